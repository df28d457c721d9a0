"""What the embedded axis judge reaches against people's labels, on three published sets.

Rates the texts of llm_values_pct (stance on a claim, two annotators), valueeval23 (which of the ten values an argument
resorts to) and fulcra (answers for or against the ten values) and prints for each set the table of
`valuelex calibrate`: agreement with 95 % intervals, the ceiling between annotators where there are two, biases by
label, group and length. No anchor, threshold or sign was chosen by these figures, and none may be.

The sets are not part of this package; a set that is not in the folder is left out, and the output says so.

Run: python benchmarks/calibration.py --data FOLDER [--set NAME] [--sample N] (all: about five minutes on one core)
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from valuelex.cli.calibrate import print_calibration
from valuelex.pipeline.calibrating import calibrate_judge, open_judge, open_labels

FILES = {
    "llm_values_pct": "llm_values_pct/agreement_classification_half.csv",
    "valueeval23": "valueeval23/arguments-training.tsv",
    "fulcra": "fulcra/trustworthy_half.jsonl.gz",
}


def main() -> None:
    """Calibrate the axis on every set that is there."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with a folder for each set")
    parser.add_argument("--set", choices=sorted(FILES), help="one set only")
    parser.add_argument("--sample", type=int, help="that many texts of each set, drawn at random")
    given = parser.parse_args()
    for name, file in FILES.items():
        path = given.data / file
        if given.set not in (None, name):
            continue
        if not path.exists():
            print(f"{name}: left out, {path} is not there")
            continue
        labels, system = open_labels(path, name, None)
        with tempfile.TemporaryDirectory() as folder:
            found = calibrate_judge(open_judge("axis"), labels, system, Path(folder), sample=given.sample)
        print_calibration(found)


if __name__ == "__main__":
    main()
