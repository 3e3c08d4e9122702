"""Spec → Plan. Stage 2 of 6: nothing is called, nothing is drawn."""

from fabula.planning.plan import ColumnPlan, ModelCalls, Plan, ReferencePlan, TablePlan
from fabula.planning.planner import make_plan

__all__ = ["ColumnPlan", "ModelCalls", "Plan", "ReferencePlan", "TablePlan", "make_plan"]
