#!/usr/bin/env bash
# Train the autoencoder on GPUs in 8 minutes, the classifiers on CPUs; score all on the bench.
#
#     bash Testing/Benchmarks/gpu_training.sh DATA OUT            # needs a CUDA GPU and about 12 cores
#     bash Testing/Benchmarks/gpu_training.sh DATA OUT --dry-run  # the same path on a CPU, tiny steps
#
# DATA holds the scans named below; OUT gets OUT/vqgan, OUT/effusion and OUT/findings (weights, card,
# losses.csv), OUT/bench, OUT/scores-* (scores.csv, summary.json) and OUT/report (report.md, figures,
# pictures of the autoencoder). The autoencoder's settings are those beside its weights
# (ct-vqgan-small.yaml) with more steps, the classifiers' those of their cards. With several GPUs
# (GPUS=4) torchrun starts a process for each. It HAS NOT BEEN RUN ON A GPU: only its dry run has.
set -euo pipefail
data=$(realpath "$1"); mkdir -p "$2"; out=$(realpath "$2")
here=$(cd "$(dirname "$0")/../.." && pwd)
export PYTHONPATH=$here/CTCounterfactual
models=$here/CTCounterfactual/Resources/Models
python=${PYTHON:-python}
tool() { "$python" -m CTCounterfactualLib "$@"; }
settings() { "$python" -c "import json, sys; print(json.dumps(json.load(open(sys.argv[1]))['training']))" "$1"; }

if [ "${3:-}" = --dry-run ]; then
  device=cpu steps=2 fluid_steps=2 fluid_generated=0
  finding_steps=2 finding_generated=0 finding_scans=("$data/chest_lidc0001_dicom")
  fluid_scans=("$data/chest_lidc0001_dicom") unseen=("$data/chest_lidc0001_dicom")
else
  device=cuda steps=16000 fluid_steps=4000 fluid_generated=30
  finding_steps=4000 finding_generated=24
  finding_scans=("$data/chest_lidc0001_1mm.nii.gz" "$data/chest_acrinflt001_small.nii.gz"
    "$data/chest_lidc0002_slab.nii.gz" "$data/chest_lidc0003_slab.nii.gz"
    "$data/abdomen_crlm1004.nii.gz" --left-of "$data/chest_lidc0314.nii.gz"
    --may-hold "$data/chest_cmbcrc_lung.nii.gz" consolidation nodule
    --may-hold "$data/slab_lungfcp0001_small.nii.gz" nodule
    --slices "$data/slices_tcga_lung.npz" --readings "$here/Testing/Benchmarks/slice_readings.csv"
    --leave-out 5)
  fluid_scans=("$data/chest_lidc0001_dicom" "$data/chest_lidc0002_slab.nii.gz"
    "$data/chest_lidc0003_slab.nii.gz" "$data/abdomen_crlm1004.nii.gz"
    --left-of "$data/chest_lidc0314.nii.gz")
  unseen=("$data/chest_acrinflt013.nii.gz" "$data/chest_cip64.nrrd")
fi
config=$models/ct-vqgan-small.yaml
if [ "${3:-}" = --dry-run ]; then  # one slab, small crops
  config=$out/vqgan.yaml
  printf '%s\n' "start_from: $models/ct-vqgan-small.json" 'data: {scans: [chest_lidc0001_dicom], generated: 0}' \
    'training: {batch: 2, crop: 32, panels: 2, checkpoint_every: 1, bfloat16: false}' > "$config"
fi
settings "$models/effusion-demo.json" > "$out/effusion.json"
settings "$models/findings-demo.json" > "$out/findings.json"

# The classifiers are small: they learn on CPUs while the autoencoder has the GPU. So does the bench.
tool train-effusion "${fluid_scans[@]}" --settings "$out/effusion.json" \
  --steps $fluid_steps --generated $fluid_generated --start-from "$models/effusion-demo.json" \
  --name effusion -o "$out/effusion" --licence Apache-2.0 --force 2> "$out/effusion.log" & fluid=$!
tool train-findings "${finding_scans[@]}" --settings "$out/findings.json" \
  --steps $finding_steps --generated $finding_generated --start-from "$models/findings-demo.json" \
  --name findings -o "$out/findings" --licence Apache-2.0 --force 2> "$out/findings.log" & finding=$!
tool bench make "${unseen[@]}" -o "$out/bench" --findings effusion --per-scan 1 --seed 7 \
  2> "$out/make.log" & made=$!
vqgan=(-m CTCounterfactualLib)
if [ "${GPUS:-1}" -gt 1 ]; then
  vqgan=(-m torch.distributed.run --nproc-per-node "$GPUS" -m CTCounterfactualLib)
fi
"$python" "${vqgan[@]}" train-vqgan "$config" --data "$data" --steps $steps --device $device \
  --name vqgan -o "$out/vqgan" --licence Apache-2.0 --force 2> "$out/vqgan.log"
wait $fluid; wait $finding; wait $made

for classifier in ideal "$out/effusion/effusion.json" "$out/findings/findings.json"; do
  name=$(basename "$classifier" .json)
  tool bench run "$out/bench" -o "$out/results-$name" --only effusion --classifier "$classifier" \
    --autoencoder "$out/vqgan/vqgan.json" --mode whole --frames 0 --device $device --progress none
  tool bench score "$out/bench" "$out/results-$name" -o "$out/scores-$name" --no-sheet
done
held=(); [ "${3:-}" = --dry-run ] || held=(--slices "$data/slices_tcga_lung.npz" --leave-out 5)
tool eval-autoencoder "$out/vqgan/vqgan.json" "${unseen[@]}" "${held[@]}" -o "$out/report" \
  --write-card --force
