"""What stands for the work on the host in tests of its endings."""

# A worker's end that puts a result in place, the smallest that counts as one.
RESULT = """
record = dict.fromkeys(
    "disclaimer input prepared classifier target autoencoder settings scores chunks heat_levels "
    "flags versions".split()
)
os.mkdir(os.path.join(folder, "result"))
record.update(schema=1, files=["result.json", "map.bin"], scores={"original": 1.5}, flags=[])
json.dump(record, open(os.path.join(folder, "result", "result.json"), "w"))
open(os.path.join(folder, "result", "map.bin"), "wb").write(bytes(range(256)) * 1000)
tell("written", output=folder, scores=record["scores"], flags=[])
"""
HANG = "time.sleep(600)"
