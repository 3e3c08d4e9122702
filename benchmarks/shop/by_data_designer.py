"""NeMo Data Designer's samplers: one table without foreign keys, as its samplers allow."""

import sys
from pathlib import Path

import data_designer.config as dd
from data_designer.interface import DataDesigner

SAMPLERS = {
    "customer_id": (dd.SamplerType.UNIFORM, dd.UniformSamplerParams(low=1, high=100_000)),
    "placed": (
        dd.SamplerType.DATETIME,
        dd.DatetimeSamplerParams(start="2020-01-01", end="2026-01-01"),
    ),
    "product_id": (dd.SamplerType.UNIFORM, dd.UniformSamplerParams(low=1, high=500)),
    "quantity": (dd.SamplerType.POISSON, dd.PoissonSamplerParams(mean=1.5)),
    "price": (dd.SamplerType.GAUSSIAN, dd.GaussianSamplerParams(mean=30, stddev=9)),
    "status": (
        dd.SamplerType.CATEGORY,
        dd.CategorySamplerParams(values=["delivered", "shipped", "new"]),
    ),
}

if __name__ == "__main__":
    folder, orders = Path(sys.argv[1]), int(sys.argv[2])
    builder = dd.DataDesignerConfigBuilder()
    builder.add_column(
        dd.SamplerColumnConfig(
            name="id", sampler_type=dd.SamplerType.UUID, params=dd.UUIDSamplerParams()
        )
    )
    for name, (kind, params) in SAMPLERS.items():
        builder.add_column(dd.SamplerColumnConfig(name=name, sampler_type=kind, params=params))
    DataDesigner(artifact_path=folder / "artifacts").create(builder, num_records=orders)
