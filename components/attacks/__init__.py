"""The adversarial bank: texts that game a reward, built from honest responses, and how often honesty beats them.

`bank` builds every attack on an honest response, with the builders of `wrong`, `mixed`, `hollow` and `invisible`, which
look at it through `anatomy`. `audit` scores honest responses and attacks with any reward under TRL's contract and
counts; `tables` prints the counts. Which attacks: ours, after the reward hacking that others report.
"""

from components.attacks.audit import AuditResult, Cell, audit
from components.attacks.bank import ATTACKS, attacks_on, try_attacks
from components.attacks.records import Attack, Honest, LeftOut
from components.attacks.tables import margin_tables, print_audit, share_tables

__all__ = [
    "ATTACKS",
    "Attack",
    "AuditResult",
    "Cell",
    "Honest",
    "LeftOut",
    "attacks_on",
    "audit",
    "margin_tables",
    "print_audit",
    "share_tables",
    "try_attacks",
]
