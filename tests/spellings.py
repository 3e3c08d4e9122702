"""Common spellings of dates, times and durations."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

FIRST, LAST = dt.datetime(2018, 1, 1), dt.datetime(2023, 12, 31, 23, 59, 59)
SPELLINGS: dict[str, Callable[[dt.datetime], str]] = {
    "%Y-%m-%d": lambda t: f"{t:%Y-%m-%d}",
    "%d.%m.%Y": lambda t: f"{t:%d.%m.%Y}",
    "%d/%m/%Y": lambda t: f"{t:%d/%m/%Y}",
    "%m/%d/%Y": lambda t: f"{t:%m/%d/%Y}",
    "%d-%b-%Y": lambda t: f"{t:%d-%b-%Y}",
    "%b %d, %Y": lambda t: f"{t:%b} {t.day}, {t.year}",
    "%Y-%m-%d %H:%M:%S": lambda t: f"{t:%Y-%m-%d %H:%M:%S}",
    "%Y-%m-%dT%H:%M:%S": lambda t: f"{t:%Y-%m-%dT%H:%M:%S}",
    "%Y-%m-%dT%H:%M:%SZ": lambda t: f"{t:%Y-%m-%dT%H:%M:%SZ}",
    "%Y-%m-%dT%H:%M:%S+02:00": lambda t: f"{t:%Y-%m-%dT%H:%M:%S}+02:00",
    "%Y/%m/%d": lambda t: f"{t:%Y/%m/%d}",
    "%Y%m%d": lambda t: f"{t:%Y%m%d}",
    "%y%m%d": lambda t: f"{t:%y%m%d}",
    "%d%m%y": lambda t: f"{t:%d%m%y}",
    "%Y%m%d%H": lambda t: f"{t:%Y%m%d%H}",
    "%m/%d/%Y %I:%M %p": lambda t: f"{t.month}/{t.day}/{t.year} {t.hour % 12 or 12}:{t:%M %p}",
}
"""Spellings by the format that `strptime` reads them with."""

DURATIONS: dict[str, Callable[[int], str]] = {
    "h:mm:ss": lambda s: f"{s // 3600}:{s // 60 % 60:02}:{s % 60:02}",
    "hh:mm:ss": lambda s: f"{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}",
    "m:ss": lambda s: f"{s // 60}:{s % 60:02}",
    "m:ss or h:mm:ss": lambda s: (
        f"{s // 60}:{s % 60:02}" if s < 3600 else f"{s // 3600}:{s // 60 % 60:02}:{s % 60:02}"
    ),
    "m:ss.mmm": lambda s: f"{s // 60}:{s % 60:02}.{s * 7 % 1000:03}",
    "ISO 8601": lambda s: f"PT{s // 3600}H{s // 60 % 60}M",
    "ISO 8601, short": lambda s: (
        "PT" + "".join(f"{n}{u}" for n, u in zip((s // 3600, s // 60 % 60), "HM", strict=True) if n)
        if s >= 60
        else "PT0M"
    ),
    "1h 30m": lambda s: f"{s // 3600}h {s // 60 % 60}m",
    "1h 05m": lambda s: f"{s // 3600}h {s // 60 % 60:02}m",
    "5'09\"": lambda s: f"{s // 60}'{s % 60:02}\"",
    "3d 04:20": lambda s: f"{s // 3600}d {s % 24:02}:{s // 60 % 60:02}",
    "2 Std 5 Min": lambda s: f"{s // 3600} Std {s // 60 % 60} Min",
    "1 hour 30 minutes": lambda s: (
        f"{s // 3600} hour{'s' * (s // 3600 != 1)} {s // 60 % 60} minute{'s' * (s // 60 % 60 != 1)}"
    ),
    "2 days, 4:10:00": lambda s: (
        f"{s // 3600} day{'s' * (s // 3600 != 1)}, 0{s % 7}:{s // 60 % 60:02}:{s % 60:02}"
    ),
}
