"""Texts in which one word has two senses, to begin with; the course's own two come first."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Example:
    """A word and texts that hold it.

    Parameters
    ----------
    word, texts : str
        Texts as they are typed, ``sense | text``, one a line.
    before : bool
        Whether the sense stands before the word in every text, as a model that reads left to right needs it.
    unread : float
        Share of tokens that a tokenizer may not know for the example to be of use.
    """

    word: str
    texts: str
    before: bool = False
    unread: float = 0.1


_BANK = """
money | The robber went to bank and rob the bank.
river | The robber went to the bank of river and looking at a tree
money | She opened an account at the bank.
river | We sat on the bank and watched the river flow.
money | The bank lent him money for a new house.
river | The boat drifted slowly towards the bank.
money | He paid the cheque into the bank on Monday.
river | Willows grew along the muddy bank of the stream.
money | My salary goes straight to the bank.
river | They fished all day from the left bank.
money | The bank raised its interest rates again.
river | The flood washed away part of the bank.
"""

# In the words of the small world that the gpt sample tells of. In each sense the word stands at the same
# positions as in the other: or its position would tell them apart.
_BANK_AFTER = """
money | The robber wanted to steal money. He went to the bank and took the money.
river | The robber swam in the river. He went to the bank and looked at the water.
money | The man needed to find money. He went to the bank and counted the money.
river | The man swam in the lake. He went to the bank and slept under a tree.
money | The girl wanted to take money. She went to the bank and opened the safe.
river | The girl swam in the river. She went to the bank and sat under a tree.
money | The old robber wants to steal gold. He goes to the bank and steals the gold.
river | The old robber swims in the lake. He goes to the bank and sits under a tree.
money | The poor farmers need to find money. They go to the bank and take the money.
river | The poor farmers swim in the river. They go to the bank and look at the water.
money | A young queen needs to count money. She goes to the bank and counts the money.
river | A young queen swims in the river. She goes to the bank and catches a fish.
"""

# French writes one mouse and several mice alike; English does not, so a translator has to tell.
_SOURIS = """
one mouse | la souris mange la pomme
mice | les souris mangent la pomme
one mouse | une souris intelligente mange sur la nouvelle chaise
mice | des souris intelligentes mangent sur la nouvelle chaise
one mouse | ma souris dort sous le lit
mice | mes souris dorment sous le lit
one mouse | la souris regarde le chat
mice | les souris regardent le chat
one mouse | une petite souris va au parc
mice | les petites souris vont au parc
one mouse | la souris noire est sur le tapis
mice | les souris noires sont sur le tapis
"""

#: The first that a model can read is shown first.
EXAMPLES = (
    Example("bank", _BANK.strip()),
    Example("bank", _BANK_AFTER.strip(), before=True, unread=0.6),
    Example("souris", _SOURIS.strip(), unread=0.05),
)
