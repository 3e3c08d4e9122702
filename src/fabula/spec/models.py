"""A language model's endpoint, as a spec names it; apart from tables, so that it loads quickly."""

from __future__ import annotations

import re

from pydantic import Field, field_validator

from fabula.spec.parameters import SpecModel


class ModelSpec(SpecModel):
    """A language model endpoint; keys are named, never written here.

    Attributes:
        provider: A preset (`openai`, `anthropic`, `ollama` …) or `openai-compatible`.
        name: The model's name at the endpoint.
        base_url: The endpoint's address.
        api_key_env: Environment variable that holds the key.
    """

    provider: str = "openai-compatible"
    name: str
    base_url: str | None = None
    api_key_env: str | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    temperature: float | None = Field(default=None, ge=0)
    max_tokens: int | None = Field(default=None, ge=1)
    timeout: float | None = Field(default=None, gt=0)
    concurrency: int | None = Field(default=None, ge=1)
    rpm: int | None = Field(default=None, ge=1)
    tpm: int | None = Field(default=None, ge=1)
    verify_tls: bool = True
    ca_file: str | None = None
    proxy: str | None = None

    @field_validator("api_key_env")
    @classmethod
    def _is_name(cls, name: str | None) -> str | None:
        if name is not None and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise ValueError("it takes the name of an environment variable, not a key")
        return name
