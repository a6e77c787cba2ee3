"""Whom calls and runs ask, once more and by name: what lists read instead of every requirement of every round."""

from typing import ClassVar

from django.db import models

from agents.models.run import AgentRun


class AskedGroup(models.Model):
    """A group of a set of groups that some round asks. The key is a digest of the whole set. Insert only."""

    key = models.CharField(max_length=32)
    name = models.CharField(max_length=150)

    class Meta:
        default_permissions = ()
        constraints: ClassVar = [models.UniqueConstraint(fields=["name", "key"], name="asked_group_once")]


class RunGroup(models.Model):
    """A group that was asked about some call of a run, in whatever round: its members see the run. Insert only."""

    run = models.ForeignKey(AgentRun, models.PROTECT, related_name="asked_groups", db_index=False)
    name = models.CharField(max_length=150)

    class Meta:
        default_permissions = ()
        constraints: ClassVar = [models.UniqueConstraint(fields=["run", "name"], name="run_group_once")]
        indexes: ClassVar = [models.Index(fields=["name"], name="run_group_by_name")]
