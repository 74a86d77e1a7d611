"""Whether the internet can really reach a resource: addresses, routes, gateways and filters taken together.

Two halves (``docs/adr/0019``). A pure model, which knows no Terraform: sets of packets (``spans``,
``packets``), filters whose rules may be unknown in part (``filters``) and paths made of them
(``paths``). And what reads a plan's resources into it, one file a subject: ``aws_*``, ``azure_*``,
``google_*``. ``condition`` puts the two behind the condition ``not_exposed``.

Nothing here is imported before a check with that condition judges a resource.
"""
