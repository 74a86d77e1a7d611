"""Where the container images of a resource stand: a table, one line a place.

A path walks through blocks and lists (``[]``). What follows ``|`` is a path inside the JSON text that stands at the
first. Not here: ``helm_release`` (its images are in a chart, not in the plan) and function apps of Azure, which write
name and tag apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["BUILT_IN", "IMAGE_PLACES"]

_CLOUD_RUN = ("template.spec.containers[].image",)
_CONTAINER_APP = ("template.container[].image", "template.init_container[].image")
_POD_SPEC = ("spec.container[].image", "spec.init_container[].image")
_WORKLOAD = tuple(f"spec.template.{path}" for path in _POD_SPEC)
_CRON_JOB = tuple(f"spec.job_template.{path}" for path in _WORKLOAD)

IMAGE_PLACES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "aws_apprunner_service": ("source_configuration.image_repository.image_identifier",),
        "aws_batch_job_definition": (
            "container_properties|image",
            "node_properties|nodeRangeProperties[].container.image",
            "ecs_properties|taskProperties[].containers[].image",
        ),
        "aws_codebuild_project": ("environment.image",),
        "aws_ecs_task_definition": ("container_definitions|[].image",),
        "aws_lambda_function": ("image_uri",),
        "aws_sagemaker_model": ("primary_container.image", "container[].image"),
        "azurerm_container_app": _CONTAINER_APP,
        "azurerm_container_app_job": _CONTAINER_APP,
        "azurerm_container_group": ("container[].image", "init_container[].image"),
        "azurerm_linux_web_app": ("site_config.application_stack.docker_image_name",),
        "google_cloud_run_service": _CLOUD_RUN,
        "google_cloud_run_v2_job": ("template.template.containers[].image",),
        "google_cloud_run_v2_service": ("template.containers[].image",),
        **{
            f"kubernetes_{kind}{suffix}": places
            for kind, places in (
                ("cron_job", _CRON_JOB),
                ("daemonset", _WORKLOAD),
                ("deployment", _WORKLOAD),
                ("job", _WORKLOAD),
                ("pod", _POD_SPEC),
                ("stateful_set", _WORKLOAD),
            )
            for suffix in ("", "_v1")
            if (kind, suffix) != ("daemonset", "_v1")  # it is called daemon_set there
        },
        "kubernetes_daemon_set_v1": _WORKLOAD,
    }
)
"""Resource type -> places."""

BUILT_IN = ("aws/codebuild/",)
"""Beginnings of names that the cloud itself resolves: they are in no registry, so nobody can pin or scan them."""
