"""A small finished cohort with volumes, to make reader studies of."""

import numpy as np
import pytest
import SimpleITK as sitk

from CTCounterfactualLib.cohort.rows import DONE, CaseRow
from CTCounterfactualLib.cohort.tables import write_tables


@pytest.fixture(scope="session")
def cohort(tmp_path_factory):
    """Return a folder of six cases, three of them positives; a patient has two scans."""
    pytest.importorskip("pyarrow")
    folder = tmp_path_factory.mktemp("cohort")
    rng = np.random.default_rng(4)
    rows = []
    for n in range(6):
        name = f"secret-name-{n}"
        place = folder / "cases" / name
        place.mkdir(parents=True)
        change = np.zeros((6, 16, 16), np.int16)
        change[2:4, 4:8, 4:8] = -200
        hu = rng.integers(-900, 60, change.shape).astype(np.int16)
        for file, voxels in (("counterfactual", hu + change), ("difference", change)):
            image = sitk.GetImageFromArray(voxels)
            image.SetSpacing((2.0, 2.0, 10.0))
            sitk.WriteImage(image, str(place / f"{file}.nrrd"))
        row = CaseRow(name, f"/d/{name}.nrrd", "", f"p{min(n, 4)}", float(n % 2), DONE)
        scores = {"score_original": 0.7, "target": "effusion", "unit": "probability"}
        rows.append(CaseRow(**{**vars(row), **scores, "folder": f"cases/{name}"}))
    write_tables(folder, rows, [])
    return folder
