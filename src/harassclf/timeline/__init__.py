"""Threads of contact: who reached whom, when and how; which rules of contact they may break; the evidence package."""
