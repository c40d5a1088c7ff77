"""The command line, one file a verb; everything is put together here."""
