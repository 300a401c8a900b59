"""Data files of other programs: lbnamed, the first dinamed, pgeodns and geodns.

Each format has a reader (from a file to a frozen model of what it says) and shares
what makes zones and pools of the model.  Pure.
"""
