"""How likely it is that one side looks this much worse by chance: a tail of the hypergeometric distribution.

Fisher's exact test of two shares, one-sided: it needs no normal approximation, so it holds for counts of any size
(Fisher, "Statistical Methods for Research Workers", 1934).
"""

from math import exp, lgamma
from typing import Final

_NEGLIGIBLE: Final = 1e-17


def chance(bad: int, asked: int, bad_there: int, asked_there: int) -> float:
    """The probability that at least `bad` of all the bad ones fall on this side, if both sides are alike."""
    if bad * asked_there > bad_there * asked:
        return _tail(bad, asked, bad_there, asked_there)
    # Below the mean the sum would begin with terms too small for a float: the other side's tail is what is missing.
    return 1.0 - _tail(bad_there + 1, asked_there, bad - 1, asked)


def _tail(bad: int, asked: int, bad_there: int, asked_there: int) -> float:
    """The same from above the mean, where each term is smaller than the one before it."""
    total, drawn = asked + asked_there, bad + bad_there
    if bad_there < 0 or bad > asked:
        return 0.0
    term = exp(_ln_choose(asked, bad) + _ln_choose(asked_there, bad_there) - _ln_choose(total, drawn))
    sum_, at = term, bad
    while at < min(asked, drawn) and term > sum_ * _NEGLIGIBLE:
        term *= (asked - at) * (drawn - at) / ((at + 1) * (asked_there - drawn + at + 1))
        sum_ += term
        at += 1
    return min(1.0, sum_)


def _ln_choose(of: int, chosen: int) -> float:
    return lgamma(of + 1) - lgamma(chosen + 1) - lgamma(of - chosen + 1)
