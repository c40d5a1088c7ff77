"""One MCAP file of a recording, as rosbag2's storage plugin writes it."""

import io
from collections import Counter
from collections.abc import Mapping, Sequence

import yaml
from mcap.writer import CompressionType, Writer

from ddpg_ros.recording.messages import Message, Topic
from ddpg_ros.version import __version__

OWN = "ddpg_ros"
"""Name of the metadata record that holds the settings of the run."""

_PROFILE, _ENCODING, _SCHEMA = "ros2", "cdr", "ros2msg"


def mcap_bytes(
    messages: Sequence[Message], topics: Mapping[str, Topic], about: Mapping[str, str]
) -> bytes:
    """Return a whole MCAP file: header, chunks, index and footer.

    Args:
        messages: in the order in which they came.
        topics: the topics of all messages, by whole name.
        about: what goes into the metadata record `ddpg_ros`.
    """
    content = io.BytesIO()
    writer = Writer(content, compression=CompressionType.ZSTD)
    writer.start(profile=_PROFILE, library=f"{OWN} {__version__}")
    writer.add_metadata(OWN, dict(about))
    schemas: dict[str, int] = {}
    channels: dict[str, int] = {}
    sequence: Counter[str] = Counter()
    for message in messages:
        topic = topics[message.topic]
        if topic.name not in channels:
            if topic.type not in schemas:
                text = topic.definition.encode()
                schemas[topic.type] = writer.register_schema(topic.type, _SCHEMA, text)
            channels[topic.name] = writer.register_channel(
                topic.name, _ENCODING, schemas[topic.type], _of_channel(topic)
            )
        writer.add_message(
            channels[topic.name],
            log_time=message.received,
            data=message.data,
            publish_time=message.published,
            sequence=sequence[topic.name],
        )
        sequence[topic.name] += 1
    writer.finish()  # type: ignore[no-untyped-call, unused-ignore]
    return content.getvalue()


def _of_channel(topic: Topic) -> dict[str, str]:
    qos = yaml.safe_dump([dict(entry) for entry in topic.qos], sort_keys=False)
    return {"offered_qos_profiles": qos, "topic_type_hash": topic.type_hash}
