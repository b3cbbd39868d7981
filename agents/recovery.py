"""What each recovery action asks of a person, in the words of the page and of the shell alike."""

from typing import Final

NEXT_STEP: Final = {
    "wait_and_retry": "Wait a moment, then ask again.",
    "retry": "Ask again, or ask for less at once.",
    "rephrase": "Put the question in other words, or take one that is offered.",
    "contact_support": "Tell whoever runs this system; asking again will not help.",
    "correct_request": "Correct the question and send it again.",
}


def next_step(action: str) -> str:
    """The sentence for an action; an agent's own action is shown as it was said."""
    return NEXT_STEP.get(action, action)
