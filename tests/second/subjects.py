"""Which module checks which subject."""

import budgets
import estates
import figures
import rounds
import students

SUBJECTS = {
    1: rounds.round_,
    2: rounds.allocation,
    3: students.student,
    4: budgets.budget,
    9: budgets.charged,
    5: students.access,
    6: figures.figures,
    7: students.milestone,
    8: estates.estate,
}
