"""Rewrites a GGUF file's Q4_1 tensors as Q8_0, which this engine evaluates twice as fast."""

from __future__ import annotations

from pathlib import Path


def requantise(source: Path, target: Path) -> None:
    """Write a copy of `source` whose Q4_1 tensors are Q8_0; everything else is unchanged."""
    from gguf import GGMLQuantizationType, GGUFReader, GGUFValueType, GGUFWriter, LlamaFileType
    from gguf.quants import dequantize, quantize

    reader = GGUFReader(source)
    architecture = reader.fields["general.architecture"].contents()
    writer = GGUFWriter(target, architecture)
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name == "general.architecture":
            continue  # the writer writes these itself
        value = field.contents()
        if field.name == "general.file_type":
            value = LlamaFileType.MOSTLY_Q8_0
        is_array = field.types[0] == GGUFValueType.ARRAY
        writer.add_key_value(
            field.name, value, field.types[0], sub_type=field.types[-1] if is_array else None
        )
    slow, fast = GGMLQuantizationType.Q4_1, GGMLQuantizationType.Q8_0
    for tensor in reader.tensors:
        if tensor.tensor_type == slow:
            writer.add_tensor(
                tensor.name, quantize(dequantize(tensor.data, slow), fast), raw_dtype=fast
            )
        else:
            writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
