"""Made-up HCL for the benchmarks: roots that call modules, with variables, locals, `for_each` and policies."""

from __future__ import annotations

from pathlib import Path

__all__ = ["write_tree"]

_STORAGE = """\
# Buckets of service {n}, one for each kind of document.
locals {{
  kinds_{n} = toset(["statements", "contracts", "scans"])
  prefix_{n} = "${{var.name}}-{n}"
}}

resource "aws_s3_bucket" "documents_{n}" {{
  for_each = local.kinds_{n}
  bucket   = "${{local.prefix_{n}}}-${{each.key}}"

  tags = {{
    Name  = "documents-{n}"
    Owner = var.owner # who is asked
  }}
}}

resource "aws_s3_bucket_public_access_block" "documents_{n}" {{
  for_each                = local.kinds_{n}
  bucket                  = aws_s3_bucket.documents_{n}[each.key].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = {flag}
}}

resource "aws_s3_bucket_policy" "documents_{n}" {{
  for_each = local.kinds_{n}
  bucket   = aws_s3_bucket.documents_{n}[each.key].id
  policy = jsonencode({{
    Version = "2012-10-17"
    Statement = [{{
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [aws_s3_bucket.documents_{n}[each.key].arn, "${{aws_s3_bucket.documents_{n}[each.key].arn}}/*"]
      Condition = {{ Bool = {{ "aws:SecureTransport" = "false" }} }}
    }}]
  }})
}}
"""

_COMPUTE = """\
resource "aws_security_group" "app_{n}" {{
  name        = "app-{n}"
  description = "Application {n}"
  vpc_id      = var.vpc_id

  dynamic "ingress" {{
    for_each = [443, 8443]
    content {{
      from_port   = ingress.value
      to_port     = ingress.value
      protocol    = "tcp"
      cidr_blocks = [var.cidr]
    }}
  }}

  egress {{
    from_port   = 0
    to_port     = 0
    protocol    = "-1"
    cidr_blocks = ["0.0.0.0/0"]
  }}
}}

resource "aws_instance" "app_{n}" {{
  count                       = 2
  ami                         = "ami-0123456789abcdef0"
  instance_type               = "t3.micro"
  subnet_id                   = var.subnet_id
  vpc_security_group_ids      = [aws_security_group.app_{n}.id]
  associate_public_ip_address = {flag}

  metadata_options {{
    http_tokens = "required"
  }}

  root_block_device {{
    encrypted = true
  }}
}}

resource "aws_db_instance" "app_{n}" {{
  identifier          = "app-{n}"
  engine              = "postgres"
  instance_class      = "db.t3.micro"
  allocated_storage   = 20
  username            = "app"
  password            = var.password
  storage_encrypted   = true
  publicly_accessible = {flag}
}}
"""

_VARIABLES = """\
variable "name" {
  type    = string
  default = "bank"
}

variable "owner" {
  type    = string
  default = "payments"
}

variable "cidr" {
  type    = string
  default = "10.0.0.0/8"
}

variable "vpc_id" {}

variable "subnet_id" {}

variable "password" {
  type      = string
  sensitive = true
}
"""


def write_tree(top: Path, files: int, each: int = 20) -> None:
    """Write about ``files`` files of 1 to 2 KB: directories of ``each`` files, every one a root module."""
    number = 0
    for start in range(0, files, each):
        directory = top / f"service-{start // each:04}"
        directory.mkdir(parents=True)
        (directory / "variables.tf").write_text(_VARIABLES, "utf-8")
        for _ in range(min(each, files - start) - 1):
            number += 1
            text = (_STORAGE, _COMPUTE)[number % 2].format(n=number, flag="true" if number % 7 else "false")
            (directory / f"part_{number:05}.tf").write_text(text, "utf-8")
