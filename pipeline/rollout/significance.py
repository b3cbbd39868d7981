"""How likely it is that one side looks this much worse by chance: a tail of the hypergeometric distribution.

Fisher's exact test of two shares, one-sided: it needs no normal approximation, so it holds for counts of any size
(Fisher, "Statistical Methods for Research Workers", 1934).
"""

from math import exp, lgamma
from typing import Final

_NEGLIGIBLE: Final = 1e-17


def chance(bad: int, asked: int, bad_there: int, asked_there: int) -> float:
    """The probability that at least `bad` of all the bad ones fall on this side, if both sides are alike."""
    total, drawn = asked + asked_there, bad + bad_there
    if bad <= max(0, drawn - asked_there):
        return 1.0
    term = exp(_ln_choose(asked, bad) + _ln_choose(asked_there, bad_there) - _ln_choose(total, drawn))
    sum_, at = term, bad
    while at < min(asked, drawn) and term > sum_ * _NEGLIGIBLE:
        term *= (asked - at) * (drawn - at) / ((at + 1) * (asked_there - drawn + at + 1))
        sum_ += term
        at += 1
    return min(1.0, sum_)


def _ln_choose(of: int, chosen: int) -> float:
    return lgamma(of + 1) - lgamma(chosen + 1) - lgamma(of - chosen + 1)
