"""Avro's records and Protobuf's messages become rows that their own libraries accept."""

from __future__ import annotations

import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import fastavro
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

import fabula as fb
from fabula.errors import SourceError
from fabula.inference.infer import infer

AVRO = {
    "type": "record",
    "name": "Order",
    "namespace": "shop.v1",
    "doc": "What somebody buys.",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "small", "type": "int"},
        {"name": "ratio", "type": "double"},
        {"name": "paid", "type": "boolean", "default": False},
        {"name": "note", "type": ["null", "string"], "default": None, "doc": "in words"},
        {"name": "raw", "type": "bytes"},
        {"name": "hash", "type": {"type": "fixed", "name": "MD5", "size": 16}},
        {"name": "colour", "type": {"type": "enum", "name": "Colour", "symbols": ["RED", "BLUE"]}},
        {"name": "again", "type": "Colour"},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "made", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "hour", "type": {"type": "long", "logicalType": "time-micros"}},
        {"name": "uid", "type": {"type": "string", "logicalType": "uuid"}},
        {
            "name": "price",
            "type": {"type": "bytes", "logicalType": "decimal", "precision": 8, "scale": 2},
        },
        {
            "name": "address",
            "type": {
                "type": "record",
                "name": "Address",
                "fields": [
                    {"name": "city", "type": "string"},
                    {"name": "since", "type": ["null", {"type": "int", "logicalType": "date"}]},
                    {"name": "tag", "type": "bytes"},
                ],
            },
        },
        {"name": "others", "type": {"type": "array", "items": "shop.v1.Address"}},
        {"name": "counts", "type": {"type": "map", "values": "long"}},
        {"name": "either", "type": ["string", "long"]},
        {"name": "next", "type": ["null", "Order"]},
    ],
}


def test_rows_of_an_avro_schema_are_written_and_read_by_fastavro(tmp_path: Path) -> None:
    path = tmp_path / "order.avsc"
    path.write_text(json.dumps(AVRO), encoding="utf-8")
    drafted = infer(path)
    assert list(drafted.spec.tables) == ["Order"]
    assert drafted.spec.tables["Order"].prompt == "What somebody buys."
    assert drafted.spec.tables["Order"].columns["note"].description == "in words"
    notes = " · ".join(drafted.notes)
    assert "Order.either: of 2 forms (`anyOf`) the first is kept" in notes
    assert "Order.next is left empty: it refers to its own kind" in notes

    rows = fb.generate(drafted.spec, n=40, seed=4)["Order"].to_pylist(maps_as_pydicts="strict")
    for row in rows:  # numbers of a spec are doubles
        row["price"] = Decimal(str(round(row["price"], 2)))
    schema = fastavro.parse_schema(AVRO)
    assert fastavro.validation.validate_many(rows, schema)
    file = io.BytesIO()
    fastavro.writer(file, schema, rows)
    file.seek(0)
    again = list(fastavro.reader(file))
    assert [row["price"] for row in again] == [row["price"] for row in rows]
    assert [row["address"] for row in again] == [row["address"] for row in rows]
    assert len({row["colour"] for row in again}) == 2
    assert None in {row["note"] for row in again}


def test_a_type_that_an_avro_schema_lacks_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "lacking.avsc"
    record = {"type": "record", "name": "A", "fields": [{"name": "b", "type": "com.example.B"}]}
    path.write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(SourceError, match=r"uses `com\.example\.B`, which it does not define"):
        infer(path)


def described() -> descriptor_pb2.FileDescriptorSet:
    """What `protoc` makes of two files."""
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="shop.proto", package="shop", syntax="proto3")
    file.dependency.append("google/protobuf/timestamp.proto")
    status = file.enum_type.add(name="Status")
    for number, name in enumerate(("STATUS_UNSPECIFIED", "NEW", "PAID")):
        status.value.add(name=name, number=number)

    def message(name: str, *fields: tuple[str, int, str, bool]) -> descriptor_pb2.DescriptorProto:
        made = file.message_type.add(name=name)
        for number, (field, kind, typed, many) in enumerate(fields, 1):
            label = kinds.LABEL_REPEATED if many else kinds.LABEL_OPTIONAL
            made.field.add(
                name=field, number=number, type=kind, type_name=typed or None, label=label
            )
        return made

    message("Customer", ("id", kinds.TYPE_INT64, "", False), ("name", kinds.TYPE_STRING, "", False))
    order = message(
        "Order",
        ("id", kinds.TYPE_UINT32, "", False),
        ("customer", kinds.TYPE_MESSAGE, ".shop.Customer", False),
        ("customer_id", kinds.TYPE_INT64, "", False),
        ("status", kinds.TYPE_ENUM, ".shop.Status", False),
        ("placed_at", kinds.TYPE_MESSAGE, ".google.protobuf.Timestamp", False),
        ("weights", kinds.TYPE_DOUBLE, "", True),
        ("photo", kinds.TYPE_BYTES, "", False),
        ("next", kinds.TYPE_MESSAGE, ".shop.Order", False),
        ("counts", kinds.TYPE_MESSAGE, ".shop.Order.CountsEntry", True),
        ("card", kinds.TYPE_STRING, "", False),
        ("iban", kinds.TYPE_STRING, "", False),
        ("gift", kinds.TYPE_BOOL, "", False),
    )
    order.oneof_decl.add(name="payment")
    order.oneof_decl.add(name="_gift")
    order.field[9].oneof_index = order.field[10].oneof_index = 0
    order.field[11].oneof_index, order.field[11].proto3_optional = 1, True
    entry = order.nested_type.add(name="CountsEntry")
    entry.options.map_entry = True
    for number, (name, kind) in enumerate(
        (("key", kinds.TYPE_INT32), ("value", kinds.TYPE_BOOL)), 1
    ):
        entry.field.add(name=name, number=number, type=kind, label=kinds.LABEL_OPTIONAL)
    known = descriptor_pb2.FileDescriptorProto()
    from google.protobuf import timestamp_pb2

    timestamp_pb2.DESCRIPTOR.CopyToProto(known)
    return descriptor_pb2.FileDescriptorSet(file=[known, file])


def test_rows_of_a_descriptor_set_are_messages(tmp_path: Path) -> None:
    files = described()
    path = tmp_path / "shop.binpb"
    path.write_bytes(files.SerializeToString())
    drafted = infer(path)
    assert list(drafted.spec.tables) == ["Customer", "Order"]
    assert any("shop.Order.iban is left out" in note for note in drafted.notes)
    fb.generate(drafted.spec, n={"Customer": 20}, seed=2, output=tmp_path / "out", format="jsonl")

    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    classes = message_factory.GetMessageClassesForFiles(["shop.proto"], pool)
    made: dict[str, list[Any]] = {}
    for name in ("Customer", "Order"):
        lines = (tmp_path / "out" / f"{name}.jsonl").read_text().splitlines()
        made[name] = [json_format.Parse(line, classes[f"shop.{name}"]()) for line in lines]
    customers = {each.id: each.name for each in made["Customer"]}
    assert len(customers) == 20
    assert made["Order"]
    for order in made["Order"]:
        assert customers[order.customer.id] == order.customer.name
        assert order.customer_id in customers
        assert order.status in (1, 2)
        assert 2020 < order.placed_at.ToDatetime().year < 2030
        assert order.WhichOneof("payment") == "card"
        assert len(order.photo) == 12
        assert len(order.counts) == 1
    assert {order.HasField("gift") for order in made["Order"]} == {True, False}


def test_sources_and_other_bytes_are_an_error_with_the_command_that_helps(tmp_path: Path) -> None:
    (tmp_path / "a.proto").write_text('syntax = "proto3";', encoding="utf-8")
    (tmp_path / "b.binpb").write_bytes(b"\xff\xff\xff")
    for name in ("a.proto", "b.binpb"):
        with pytest.raises(SourceError) as caught:
            infer(tmp_path / name)
        assert "protoc --include_imports --descriptor_set_out" in str(caught.value.hint)
