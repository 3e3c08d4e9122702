"""`fake`: made-up replies for tests and dry runs."""

from __future__ import annotations

from fabula.llm.client.presets import PROVIDERS, Provider

PROVIDERS.add(
    Provider(
        name="fake",
        title="made-up replies for tests and dry runs",
        opens="fabula.testing.fake.model:open_fake",
        is_bare=True,
        has_names=False,
        is_recorded=False,
        is_free=True,
        seconds=(0.0, 0.001),
        media={
            "pictures": "fabula.testing.media:FakePictures",
            "speech": "fabula.testing.media:FakeSpeech",
            "videos": "fabula.testing.media:FakeVideos",
        },
    )
)
