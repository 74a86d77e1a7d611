"""Image references, taken apart as those who pull images do it."""

import pytest

from iacgate.model.image import ImageReferenceError, parse_image

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nginx", ("docker.io", "library/nginx", "", "")),
        ("nginx:1.27", ("docker.io", "library/nginx", "1.27", "")),
        ("docker.io/nginx", ("docker.io", "library/nginx", "", "")),
        ("index.docker.io/library/nginx", ("docker.io", "library/nginx", "", "")),
        ("bitnami/redis:7", ("docker.io", "bitnami/redis", "7", "")),
        ("localhost/app", ("localhost", "app", "", "")),
        ("localhost:5000/app:v1", ("localhost:5000", "app", "v1", "")),
        ("registry.example.com:5000/app", ("registry.example.com:5000", "app", "", "")),
        ("Registry.Example.com/a/b_c/d__e/f-g", ("registry.example.com", "a/b_c/d__e/f-g", "", "")),
        ("[2001:db8::1]:5000/app:v1", ("[2001:db8::1]:5000", "app", "v1", "")),
        (f"nginx@{DIGEST}", ("docker.io", "library/nginx", "", DIGEST)),
        (f"ghcr.io/o/app:v1@{DIGEST}", ("ghcr.io", "o/app", "v1", DIGEST)),
        (f"a/b@sha512:{'f' * 128}", ("docker.io", "a/b", "", f"sha512:{'f' * 128}")),
    ],
)
def test_a_reference_names_registry_repository_tag_and_digest(text: str, expected: tuple[str, ...]) -> None:
    assert tuple(parse_image(text)) == expected


def test_what_is_pulled_without_a_tag_is_latest() -> None:
    assert parse_image("nginx").tagged == parse_image("docker.io/library/nginx:latest").tagged


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "Nginx", "a/B", "nginx:", "nginx:-x", f"nginx:{'x' * 129}", "nginx@", "nginx@sha256:abc", "a//b"),
        *(
            "a/",
            "/a",
            ".a",
            "a..b",
            "a_-b",
            "a:b:c",
            "a b",
            "nginx\n",
            "ng\u0131nx",
            "é/app",
            "${var.image}",
            "app:${v}",
        ),
        *("https://registry.example.com/app", "-host.example/app", "host.example:port/app", "a" * 256),
        *(f"nginx@sha256:{'A' * 64}", f"nginx@sha256:{'a' * 63}", f"nginx@{DIGEST}@{DIGEST}", "a" * 1_000_000),
    ],
)
def test_what_is_no_reference_is_refused_without_a_word_of_it(text: str) -> None:
    with pytest.raises(ImageReferenceError) as refused:
        parse_image(text)
    assert len(str(refused.value)) < 80
    assert len(text) < 5 or text not in str(refused.value)
