"""What a sceptic would ask: the works after the paper, each as one statistic of data at hand."""

from __future__ import annotations

from mirage.book.claims import Claim
from mirage.book.rules import Below, Exceeds

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="sceptic-forecast",
        place="Wei (2023): a smooth metric chosen afterwards is no prediction",
        statement="OLMo ladder, 3B runs held out: accuracy forecast by way of bits per byte has a"
        " smaller error than accuracy forecast from compute alone: ratio of mean absolute errors.",
        rule=Below(1),
    ),
    Claim(
        id="sceptic-threshold",
        place="Du et al. (2024): some tasks wait for a threshold of the loss, whatever the metric",
        statement="OLMo ladder against pre-training loss: share of tasks on which the probability"
        " of the right choice, a continuous metric, is dormant over more than a tenth of the range.",
        rule=Exceeds(0.5),
    ),
    Claim(
        id="sceptic-straight",
        place="Hu et al. (2024): log(−log score) is linear in log size, and some tasks bend",
        statement="Official BIG-bench curves of BIG-G: share on which log(−log score) is not linear"
        " in log size (p ≤ 0.05; a straight world has 0.05).",
        rule=Exceeds(0.05),
    ),
    Claim(
        id="sceptic-hard",
        place="Wu and Lo (2024): hard items first get worse with scale, and hide the easy ones",
        statement="BIG-G on the half of each task's items that other sizes get wrong more often:"
        " change of accuracy from the smallest sizes to the middle ones, below 0.",
        rule=Below(0),
    ),
    Claim(
        id="sceptic-breaks",
        place="Caballero et al. (2023): scaling curves have breaks, on smooth metrics too",
        statement="OLMo ladder against compute: share of tasks whose bits per byte a broken power"
        " law explains better than every smooth curve, by an AICc difference of 4.",
        rule=Exceeds(0.5),
    ),
)
