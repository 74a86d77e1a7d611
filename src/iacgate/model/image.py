"""References to container images, taken apart (the grammar of the OCI distribution project's ``reference`` package).

.. code-block:: text

    reference  = [registry "/"] repository [":" tag] ["@" digest]
    registry   = host [":" port]          what has a dot, a port or is "localhost"; else it is docker.io
    repository = component ("/" component)*   lower case; of docker.io with one component: library/
"""

import re
from typing import NamedTuple

__all__ = ["ImageReference", "ImageReferenceError", "parse_image"]

_DOCKER_HUB = "docker.io"
_MAX_CHARACTERS = 1_024
"""More than a name (255), a tag (128) and a digest can have together."""
_MAX_NAME = 255
_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_REGISTRY = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:]+\])(?::[0-9]{{1,5}})?")
_COMPONENT = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"[a-z0-9]+(?:[+._-][a-z0-9]+)*:[A-Za-z0-9=_-]+")
_DIGEST_LENGTHS = {"sha256": 64, "sha384": 96, "sha512": 128}
_HEX = re.compile(r"[0-9a-f]+")


class ImageReferenceError(ValueError):
    """This is no image reference. The message holds nothing of the text."""


class ImageReference(NamedTuple):
    """A reference in full: with the registry and repository that are meant where they are left out."""

    registry: str
    repository: str
    tag: str = ""
    """Empty where none is written; what is pulled then is ``latest``, unless there is a digest."""
    digest: str = ""
    """``algorithm:hex``; what it names never changes."""

    @property
    def tagged(self) -> str:
        """Registry, repository and the tag that is pulled, for comparing references."""
        return f"{self.registry}/{self.repository}:{self.tag or 'latest'}"


def parse_image(text: str) -> ImageReference:
    """Take a reference apart. Raises ``ImageReferenceError``."""
    if not text:
        raise ImageReferenceError("it is empty")
    if len(text) > _MAX_CHARACTERS:
        raise ImageReferenceError(f"it is longer than {_MAX_CHARACTERS} characters")
    if "${" in text:
        raise ImageReferenceError("it holds a template that nobody has filled in")
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ImageReferenceError("it holds characters that no reference has")
    named, at, digest = text.partition("@")
    if at:
        _check_digest(digest)
    head, colon, tag = named.rpartition(":")
    if not colon or "/" in tag:  # the colon before a port
        head, colon, tag = named, "", ""
    elif not _TAG.fullmatch(tag):
        raise ImageReferenceError("its tag is none")
    registry, repository = _split(head)
    if len(head) > _MAX_NAME or len(registry) + 1 + len(repository) > _MAX_NAME:
        raise ImageReferenceError(f"its name is longer than {_MAX_NAME} characters")
    return ImageReference(registry, repository, tag, digest)


def _split(name: str) -> tuple[str, str]:
    first, slash, rest = name.partition("/")
    if slash and (any(one in first for one in ".:") or first == "localhost" or first != first.lower()):
        if not _REGISTRY.fullmatch(first):
            raise ImageReferenceError("its registry is no host")
        registry, path = first.lower(), rest
    else:
        registry, path = _DOCKER_HUB, name
    if registry == "index.docker.io":
        registry = _DOCKER_HUB
    if path != path.lower():
        raise ImageReferenceError("its repository has upper-case letters")
    components = path.split("/")
    if not all(_COMPONENT.fullmatch(one) for one in components):
        raise ImageReferenceError("its repository is not made of names")
    if registry == _DOCKER_HUB and len(components) == 1:
        path = f"library/{path}"
    return registry, path


def _check_digest(text: str) -> None:
    algorithm, _, encoded = text.partition(":")
    length = _DIGEST_LENGTHS.get(algorithm)
    good = len(encoded) == length and _HEX.fullmatch(encoded) if length else len(encoded) >= 32
    if not _DIGEST.fullmatch(text) or not good:
        raise ImageReferenceError("its digest is none")
