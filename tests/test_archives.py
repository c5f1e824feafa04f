"""Archives from anywhere: what is asked for is read, what could harm refused in a sentence."""

import gzip
import io
import tarfile
import zipfile

import pytest

from mepbench.errors import InputError
from mepbench.files.archives import Limits, is_archive, read_archive

SMALL = Limits(packed=100_000, files=5, file=1000, total=3000)


def zipped(path, files, link=None, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in files:
            archive.writestr(name, content)
        if link:
            entry = zipfile.ZipInfo(link)
            entry.external_attr = 0o120777 << 16
            archive.writestr(entry, "/etc/passwd")
    return path


def tarred(path, files, link=None, kind=tarfile.SYMTYPE):
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content.encode()))
        if link:
            entry = tarfile.TarInfo(link)
            entry.type, entry.linkname = kind, "/etc/passwd"
            archive.addfile(entry)
    return path


MAKERS = {"zip": zipped, "tar.gz": tarred}
FILES = [("a/one.txt", "1"), ("a/b/two.txt", "zwei"), ("README", "")]


@pytest.mark.parametrize("kind", MAKERS)
def test_the_files_of_an_archive_are_read_in_its_order_folders_passed_over(kind, tmp_path):
    file = MAKERS[kind](tmp_path / f"x.{kind}", FILES)
    assert is_archive(file)
    assert [(name, text.decode()) for name, text in read_archive(file, SMALL)] == FILES
    wanted = dict(read_archive(file, SMALL, lambda name: name.startswith("a/b")))
    assert wanted == {"a/b/two.txt": b"zwei"}


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize(
    ("files", "says"),
    [
        ([("../evil", "x")], "lead out of it"),
        ([("/etc/cron.d/evil", "x")], "lead out of it"),
        ([("a/../../evil", "x")], "lead out of it"),
        ([("a\\..\\evil", "x")], "lead out of it"),
        ([("C:evil", "x")], "lead out of it"),
        ([("a//b", "x")], "lead out of it"),
        ([("a", "x"), ("a", "y")], "two files"),
        ([("a", "0" * 1001)], "more than 1000 bytes"),
        ([(f"f{k}", "0" * 900) for k in range(4)], "more than 3000 bytes"),
        ([(f"f{k}", "") for k in range(6)], "more than 5 files"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_what_leads_out_is_twice_or_too_much_is_refused(kind, files, says, tmp_path):
    file = MAKERS[kind](tmp_path / f"x.{kind}", files)
    with pytest.raises(InputError, match=says):
        list(read_archive(file, SMALL))


@pytest.mark.parametrize(
    "link", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE]
)
def test_links_and_devices_are_refused(link, tmp_path):
    with pytest.raises(InputError, match="link or device, 'l'"):
        list(read_archive(tarred(tmp_path / "x.tgz", [], "l", link), Limits()))
    with pytest.raises(InputError, match="link or device, 'l'"):
        list(read_archive(zipped(tmp_path / "x.zip", [], "l"), Limits()))


def test_bombs_are_refused_before_they_are_in_memory(tmp_path):
    bomb = zipped(tmp_path / "x.zip", [("bomb", "0" * (64 << 20))])
    assert bomb.stat().st_size < 100_000
    with pytest.raises(InputError, match="more than 1000 bytes"):
        list(read_archive(bomb, SMALL))
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.XHDTYPE, 64 << 20  # a PAX header of 64 MB
    with gzip.open(tmp_path / "x.tgz", "wb") as file:
        file.write(header.tobuf(tarfile.USTAR_FORMAT) + bytes(64 << 20))
    with pytest.raises(InputError, match=r"more than \d+ bytes, unpacked"):
        list(read_archive(tmp_path / "x.tgz", SMALL))
    (tmp_path / "large.zip").write_bytes(b"PK\x03\x04" + bytes(200_000))
    with pytest.raises(InputError, match="larger than 100000 bytes"):
        list(read_archive(tmp_path / "large.zip", SMALL))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04cut", b"\x1f\x8bcut", b"text\n" * 100])
def test_what_is_no_archive_or_is_cut_short_is_one_sentence(content, tmp_path):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(InputError, match=r"complete|cannot be read|broken"):
        list(read_archive(tmp_path / "x", SMALL))
    whole = tarred(tmp_path / "y.tgz", FILES).read_bytes()
    for cut in (20, len(whole) // 2, len(whole) - 9):
        (tmp_path / "y.tgz").write_bytes(whole[:cut])
        with pytest.raises(InputError):
            list(read_archive(tmp_path / "y.tgz", SMALL))


def test_an_unusual_packing_is_refused(tmp_path):
    file = zipped(tmp_path / "x.zip", FILES, compression=zipfile.ZIP_LZMA)
    with pytest.raises(InputError, match="unusual"):
        list(read_archive(file, SMALL))
