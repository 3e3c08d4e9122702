"""One-record rows through NeMo Data Designer: `by_data_designer.py URL ROWS`."""

from __future__ import annotations

import time

START = time.perf_counter()

import json  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402

import data_designer.config as dd  # noqa: E402
from data_designer.interface import DataDesigner  # noqa: E402

AT_ONCE = 64


def main(url: str, rows: int) -> None:
    """Ask for the rows and print what they cost."""
    provider = dd.ModelProvider(name="bench", endpoint=url, api_key="none")
    model = dd.ModelConfig(
        alias="bench",
        model="bench",
        provider="bench",
        skip_health_check=True,
        inference_parameters=dd.ChatCompletionInferenceParams(max_parallel_requests=AT_ONCE),
    )
    builder = dd.DataDesignerConfigBuilder(model_configs=[model])
    builder.add_column(
        dd.SamplerColumnConfig(
            name="id", sampler_type=dd.SamplerType.UUID, params=dd.UUIDSamplerParams()
        )
    )
    builder.add_column(
        dd.LLMTextColumnConfig(
            name="text", prompt="Write text {{ id }} as JSON.", model_alias="bench"
        )
    )
    with tempfile.TemporaryDirectory() as folder:
        designer = DataDesigner(artifact_path=folder, model_providers=[provider])
        designer.create(builder, num_records=1)
        first = time.perf_counter() - START
        wall, cpu = time.perf_counter(), time.process_time()
        made = designer.create(builder, num_records=rows).load_dataset()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    assert len(made) == rows
    print(json.dumps({"rate": rows / wall, "cpu": cpu * 1000 / rows, "start": first}))


main(sys.argv[1], int(sys.argv[2]))
