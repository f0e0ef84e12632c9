"""Archives of recorded answers."""

from tarfile import TarFile, TarInfo


def content(archive: TarFile, member: TarInfo | str) -> bytes:
    """What a file of the archive holds."""
    file = archive.extractfile(member)
    assert file is not None
    return file.read()
