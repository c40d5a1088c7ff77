"""Messages to numpy and back, commands, parameters, diagnostics, services."""
