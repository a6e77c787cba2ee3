"""The desk of policy authors, publishers and compliance officers; every change goes through the draft's functions."""

from policy.admin.approval_token import ApprovalTokenAdmin
from policy.admin.draft import DraftAdmin
from policy.admin.policy_check import PolicyCheckAdmin
from policy.admin.policy_version import PolicyVersionAdmin
from policy.admin.rule import RuleAdmin
from policy.admin.rule_test import RuleTestAdmin
from policy.admin.tool import ToolAdmin

__all__ = [
    "ApprovalTokenAdmin", "DraftAdmin", "PolicyCheckAdmin", "PolicyVersionAdmin", "RuleAdmin", "RuleTestAdmin",
    "ToolAdmin",
]  # fmt: skip
