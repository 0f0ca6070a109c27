"""The fuzz command's parsers of documents and packed files: registers, corrections, bundles, photographs, cards."""

from __future__ import annotations

import hashlib
import io
import json
import random
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge_daemon.app.collect.collector import CollectOptions, collect_term
from edge_daemon.app.inbox.apply import apply_by_hand
from edge_daemon.app.update.bundle import read_manifest, unpack
from edge_daemon.app.update.releases import Releases, is_older
from edge_daemon.app.update.service_control import ServiceControl
from edge_daemon.app.update.updater import Updater
from edge_daemon.attendance.proof import prove_register
from edge_daemon.config import UpstreamConfig
from edge_daemon.device.signing import signed
from edge_daemon.errors import DeliveryError, RegisterError
from edge_daemon.gallery.decoder_process import DecoderProcess
from edge_daemon.gallery.photographs import read_photograph
from edge_daemon.home import Home
from tests.app.inbox.test_apply import NOW, Box
from tests.app.update import bundles
from tests.gallery import pictures
from tests.office_tree import OfficeRoom
from tests.provisioning.devices import Device, card_folder
from tests.registers import START, a_lesson
from tests.slow.fuzz_mutators import Files, mutated_bytes, mutated_json
from tests.slow.fuzz_parsers import _Parser


class RegisterParser(_Parser):
    """Registers and commitments for `collect`; many are damaged and then signed, as if a device's key were stolen."""

    words = (
        b'"students":[',
        b'"share":',
        b'"signature":null',
        b'"schema":3',
        b'"verdict":"present"',
        b"\\ud800",
        b"\\u0000",
    )

    def __init__(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            room = OfficeRoom(Path(folder), "room 7")
            lessons = [room.lesson(START + timedelta(days=day)) for day in range(2)]
            register = room.register(START, {f"2026{n:03d}": n / 24 for n in range(25)})
            room.promise(lessons, START - timedelta(hours=12), register.plan.seed_sha256)
            room.deliver(register)
            room.correct(register, "2026001", "present")
            room.deliver(room.register(START + timedelta(days=1), {"2026001": 1.0}))
            room.heartbeat(START + timedelta(days=2))
            paths = [path for path in sorted(Path(folder).rglob("*")) if path.is_file()]
            files = {str(path.relative_to(folder)): path.read_bytes() for path in paths}
        self._signer = room.signer
        self.seeds = [files]

    def damaged(self, name: str, data: bytes, chance: random.Random, other: bytes) -> bytes:
        if chance.random() < 0.7:
            fields = mutated_json(json.loads(data), chance)
            try:
                return (signed(fields, self._signer) if "signature" in fields else json.dumps(fields)).encode()
            except (ValueError, TypeError):  # a text that has no UTF-8, or no object: nobody can sign that
                return json.dumps(fields).encode("utf-8", "surrogatepass")
        return mutated_bytes(data, chance, self.words, other)

    def read(self, folder: Path) -> int:
        texts = [path.read_bytes().decode("utf-8", "replace") for path in folder.rglob("*/registers/*/*.json")]
        suffix = ".xlsx" if hashlib.sha256("".join(texts).encode()).digest()[0] < 32 else ".csv"
        with tempfile.TemporaryDirectory() as made_in:
            output = Path(made_in) / f"term{suffix}"
            options = CollectOptions(
                str(folder), output, None, None, None, "lesson", "Asia/Tokyo", Path(made_in) / "keep", UpstreamConfig()
            )
            outcome = collect_term(options, _no_bar)
        for text in texts:
            prove_register(text, None)
        if outcome.result.problems:
            raise RegisterError(outcome.result.problems[0].what)
        return outcome.result.registers


class CorrectionsParser(_Parser):
    """Corrections, withdrawals and removals, applied on a device with a gallery and a register."""

    words = (
        b'"schema":1',
        b'"device":"room 204"',
        b'"confirm":"held"',
        b'"student_id":"S1"',
        b'"verdict":"absent"',
        b"\\ud800",
    )

    def __init__(self) -> None:
        self._work = Path(tempfile.mkdtemp(prefix="fuzz-room-"))
        Box(self._work / "room")
        lesson_id = a_lesson(START).lesson_id
        about = {"lesson_id": lesson_id, "by": "Ms Ünal", "at": "2026-11-21T09:00:00Z"}
        changes: list[dict[str, Any]] = [
            {"id": f"c{n}", **about, "student_id": f"S{1 + n % 3}", "verdict": verdict, "reason": "sat behind a pillar"}
            for n, verdict in enumerate(("present", "absent", "inconclusive"))
        ]
        changes.append({"id": "c9", **about, "confirm": "held"})
        top = {"schema": 1, "device": "room 204"}
        self.seeds = [
            {"corrections.json": json.dumps({**top, "corrections": changes}).encode()},
            {"withdrawals.json": json.dumps({**top, "withdrawals": [{"student_id": "S1"}]}).encode()},
            {"removals.json": json.dumps({**top, "removals": [{"student_id": "S1"}]}).encode()},
        ]

    def damaged(self, name: str, data: bytes, chance: random.Random, other: bytes) -> bytes:
        if chance.random() < 0.6:
            return json.dumps(mutated_json(json.loads(data), chance)).encode()
        return mutated_bytes(data, chance, self.words, other)

    def read(self, folder: Path) -> int:
        home = self._work / "home"
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(self._work / "room", home)
        (path,) = folder.iterdir()
        (result,) = apply_by_hand(Home(home), [path], NOW)
        if not result.in_force:
            raise DeliveryError(result.problem)
        return len(result.summary)


class BundleParser(_Parser):
    """Releases, damaged by anybody or by a person with the maintainer's key."""

    words = (
        b"ustar\0" + b"00",
        b"././@PaxHeader",
        b"path=../../x\n",
        b"size=-1\n",
        b"77777777777",
        b"\x80" + b"\xff" * 11,
    )

    def __init__(self) -> None:
        self._work = Path(tempfile.mkdtemp(prefix="fuzz-bundle-"))
        self._key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
        made_at = bundles.bundle(self._work, self._key, "2.0", units=("edge-daemon-odd.timer",))
        device = bundles.Device(self._work / "device")
        self._updater = Updater(Releases(device.root), ServiceControl(device.root, 1.0, 0.1), Home(self._work / "home"))
        self.seeds = [{"release.edge": made_at.read_bytes()}]

    def damaged(self, name: str, data: bytes, chance: random.Random, other: bytes) -> bytes:
        kind = chance.randrange(3)
        if kind == 0:
            return mutated_bytes(data, chance, self.words, other)
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            parts = [(member.name, tar.extractfile(member).read()) for member in tar]  # type: ignore[union-attr]
        if kind == 1:
            manifest = json.dumps(mutated_json(json.loads(parts[0][1]), chance)).encode()
            parts[:2] = [(parts[0][0], manifest), (parts[1][0], self._key.sign(manifest))]
            return _packed(parts)
        packed = bytearray(_packed(parts))
        starts = _header_starts(packed)
        for start in chance.sample(starts, chance.choice((1, 1, 2))):
            _damage_header(packed, start, chance)
        return bytes(packed)

    def read(self, folder: Path) -> int:
        (path,) = folder.iterdir()
        manifest = read_manifest(path, self._key.public_key())
        is_older(manifest.version, "1.0")
        self._updater._check_suits(manifest, path)
        with tempfile.TemporaryDirectory() as place:
            try:
                unpack(path, manifest, Path(place) / "release")
            except OSError as error:  # as the command has it: the disk does not take it
                raise DeliveryError(f"can't be unpacked ({error.strerror})") from error
        return len(manifest.files)


class PhotographParser(_Parser):
    """Photographs, decoded in the sandboxed process."""

    words = (
        b"\xff\xd8",
        b"\xff\xd9",
        b"\xff\xda\0\x08\1\1\0\0\x3f\0",
        b"\xff\xc2",
        b"\xff\xc4",
        b"\xff\xdd\0\4\0\1",
        b"IHDR",
        b"IDAT",
        b"VP8X",
        b"ICCP",
    )

    def __init__(self) -> None:
        self._decode = DecoderProcess()
        shot = (np.random.default_rng(1).random((60, 45, 3)) * 255).astype(np.uint8)
        shot = cv2.resize(shot, (900, 1200), interpolation=cv2.INTER_CUBIC)
        progressive = cv2.imencode(".jpg", shot, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
        self.seeds = [
            {"a.jpg": pictures.rotated_by_exif(pictures.jpeg(shot), 6)},
            {"a.jpg": progressive},
            {"a.jpg": pictures.with_thumbnail(pictures.jpeg(pictures.portrait(480, 360)))},
            {"a.jpg": pictures.cmyk_jpeg((10, 200, 30, 250))},
            {"a.png": pictures.png(pictures.portrait(480, 360))},
            {"a.webp": cv2.imencode(".webp", shot)[1].tobytes()},
            {"a.heic": Path("tests/gallery/heic/bright_corner.heic").read_bytes()},
        ]
        try:
            import pi_heif  # noqa: F401
        except ImportError:
            self.seeds = self.seeds[:-1]

    def damaged(self, name: str, data: bytes, chance: random.Random, other: bytes) -> bytes:
        if chance.random() < 0.3:
            data = _other_size(data, chance)
        if chance.random() < 0.9:
            # The start holds what decides what is decoded and how.
            head = chance.choice((len(data), 700, 100))
            data = mutated_bytes(data[:head], chance, self.words, other) + data[head:]
        return _with_checksums(data) if chance.random() < 0.8 else data

    def read(self, folder: Path) -> int:
        (path,) = folder.iterdir()
        return int(read_photograph(path, self._decode).picture.size)

    def processes(self) -> Iterator[int]:
        process = self._decode._process
        if process is not None:
            yield process.pid


class CardParser(_Parser):
    """The folder of a card, taken over by a first start on a file system of its own."""

    words = (b'"format": 1', b'"files"', b'"secrets"', b"config.toml", b"upstream-token", b"[timetable]", b"[mail]")

    def __init__(self) -> None:
        self._work = Path(tempfile.mkdtemp(prefix="fuzz-card-"))
        self._card = card_folder(self._work)
        inner = self._card / "edge-daemon"
        files = {path.name: path.read_bytes() for path in inner.iterdir() if path.is_file()}
        self._more = {path.name: path.read_bytes() for path in self._card.iterdir() if path.is_file()}
        self.seeds = [files]

    def mutated(self, number: int, chance: random.Random) -> Files:
        files = dict(self.seeds[0])
        card = json.loads(files["card.json"])
        if chance.random() < 0.35:
            name = chance.choice([name for name in sorted(files) if name != "card.json"])
            files[name] = mutated_bytes(files[name], chance, self.words, files["card.json"])
            for listed, value in (("files", hashlib.sha256(files[name]).hexdigest()), ("secrets", len(files[name]))):
                if name in card[listed]:
                    card[listed][name] = value
            files["card.json"] = json.dumps(card).encode()
        elif chance.random() < 0.7:
            files["card.json"] = json.dumps(mutated_json(card, chance)).encode()
        else:
            files["card.json"] = mutated_bytes(files["card.json"], chance, self.words, files["config.toml"])
        return files

    def read(self, folder: Path) -> int:
        root = self._work / "disk"
        shutil.rmtree(root, ignore_errors=True)
        device = Device(root)
        for name, content in self._more.items():
            (device.boot / name).write_bytes(content)
        shutil.copytree(folder, device.boot / "edge-daemon", dirs_exist_ok=True)
        done = device.start()
        return 0 if done is None else len(done[0].device)


@contextmanager
def _no_bar(label: str) -> Iterator[Any]:
    del label
    yield lambda done, total: None


def _packed(parts: list[tuple[str, bytes]]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in parts:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def _header_starts(packed: bytearray) -> list[int]:
    return [at for at in range(0, len(packed), 512) if packed[at + 257 : at + 262] == b"ustar"]


def _damage_header(packed: bytearray, start: int, chance: random.Random) -> None:
    """Change one field of a tar header, and correct its checksum."""
    offset, length = chance.choice(
        ((0, 100), (100, 8), (108, 8), (124, 12), (136, 12), (156, 1), (157, 100), (345, 155))
    )
    odd = (
        b"\0",
        b"-1",
        b"7" * length,
        b"\x80" + b"\xff" * (length - 1),
        b"\xff" * length,
        b"../../x",
        chance.randbytes(length),
        b"LKxg05S2"[chance.randrange(8) :][:1],
    )
    packed[start + offset : start + offset + length] = chance.choice(odd)[:length].ljust(length, b"\0")
    packed[start + 148 : start + 156] = b" " * 8
    packed[start + 148 : start + 156] = b"%06o\0 " % sum(packed[start : start + 512])


def _other_size(data: bytes, chance: random.Random) -> bytes:
    """Make a picture claim another size; `_with_checksums` corrects a PNG's checksum."""
    sides = [chance.choice((0, 1, 7, 1600, 5000, 7000, 12_000, 65_535)) for _ in range(2)]
    changed = bytearray(data)
    if data.startswith(b"\x89PNG"):
        changed[16:24] = b"".join(side.to_bytes(4, "big") for side in sides)
    elif data.startswith(b"\xff\xd8"):
        for marker in (b"\xff\xc0", b"\xff\xc2"):
            at = data.find(marker)
            if at >= 0:
                changed[at + 5 : at + 9] = b"".join(side.to_bytes(2, "big") for side in sides)
    elif data[:4] == b"RIFF":
        changed[26:30] = b"".join((side & 0x3FFF).to_bytes(2, "little") for side in sides)
    return bytes(changed)


def _with_checksums(data: bytes) -> bytes:
    """Correct the checksums of a PNG, so that its decoder reaches the damage."""
    if not data.startswith(b"\x89PNG"):
        return data
    changed, at = bytearray(data), 8
    while at + 12 <= len(changed):
        end = at + 8 + int.from_bytes(changed[at : at + 4], "big")
        if end + 4 > len(changed):
            break
        changed[end : end + 4] = zlib.crc32(changed[at + 4 : end]).to_bytes(4, "big")
        at = end + 4
    return bytes(changed)
