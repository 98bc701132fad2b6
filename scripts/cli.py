"""placeholder"""
def main() -> None:
    print("synod", flush=True)
