"""eSpeak NG in a process of its own: a program that reads requests and writes samples.

eSpeak NG is under the GPL-3. Fabula never loads it into its own process: this file runs as a
program (`python speaker.py`), reads a JSON request a line, and answers with a JSON line and the
samples that it announces. It imports nothing of Fabula.
"""

from __future__ import annotations

import ctypes
import json
import sys
from typing import Any

SYNCHRONOUS, UTF8, RATE = 2, 1, 1
WORD, LIST_END = 1, 0


class _Event(ctypes.Structure):
    """`espeak_EVENT` of `speak_lib.h`."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    )


class _Voice(ctypes.Structure):
    """`espeak_VOICE` of `speak_lib.h`; its languages begin with a byte of their priority."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_char_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("reserved", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


class _Library:
    """The library, and what it said last."""

    def __init__(self) -> None:
        import espeakng_loader

        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = espeakng_loader.get_data_path().encode()
        self.rate = self._library.espeak_Initialize(SYNCHRONOUS, 200, data, 0)
        self._voices = self._named()
        self._samples, self._words = bytearray(), []  # type: tuple[bytearray, list[list[int]]]
        self._heard = _Callback(self._hear)  # kept, or the library calls what is gone
        self._library.espeak_SetSynthCallback(self._heard)

    def _named(self) -> dict[str, bytes]:
        """The voice of each language. By its language alone, the library takes any that is near."""
        listed = self._library.espeak_ListVoices
        listed.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
        found, voices, number = {}, listed(None), 0
        while voices[number]:
            voice = voices[number].contents
            found[voice.languages[1:].decode()] = voice.identifier
            number += 1
        return found

    def _hear(self, samples: Any, count: int, events: Any) -> int:
        if samples and count > 0:
            self._samples += ctypes.string_at(samples, count * 2)
        number = 0
        while events and events[number].type != LIST_END:
            if events[number].type == WORD:
                event = events[number]
                self._words.append([event.text_position - 1, event.length, event.sample])
            number += 1
        return 0

    def say(self, text: str, voice: str, speed: int) -> tuple[dict[str, Any], bytes]:
        """What it says, with each word's place in the text, length, and first sample."""
        self._samples.clear()
        self._words.clear()
        name = self._voices.get(voice.lower(), voice.encode())
        if self._library.espeak_SetVoiceByName(name) != 0:
            return {"error": f"there is no voice `{voice}`"}, b""
        self._library.espeak_SetParameter(RATE, speed, 0)
        content = text.encode() + b"\0"
        size = ctypes.c_size_t(len(content))
        self._library.espeak_Synth(content, size, 0, 1, 0, UTF8, None, None)
        self._library.espeak_Synchronize()
        told = {"rate": self.rate, "bytes": len(self._samples), "words": self._words}
        return told, bytes(self._samples)


def main() -> None:
    """Answer requests until there are no more."""
    library = _Library()
    for line in sys.stdin.buffer:
        told, samples = library.say(**json.loads(line))
        sys.stdout.buffer.write(json.dumps(told).encode() + b"\n" + samples)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
