"""The same as driver.mjs for Python's websockets: what the application sees in each case, as JSON."""

import asyncio
import json
import sys
from urllib.parse import quote

import websockets

# Seconds, see driver.mjs.
PATIENCE = 2.5


async def run_case(base, query):
    seen = {"query": query, "opened": False, "messages": 0, "code": None, "wentOn": False}
    url = f"{base}/{quote(query, safe='')}?eb-{query}"
    try:
        socket = await asyncio.wait_for(websockets.connect(url, subprotocols=["chat"], open_timeout=None), 4 * PATIENCE)
    except (OSError, asyncio.TimeoutError, websockets.WebSocketException, EOFError, ValueError):
        return seen
    seen["opened"] = True

    async def receive():
        try:
            while True:
                await socket.recv()
                seen["messages"] += 1
        except websockets.ConnectionClosed:
            pass

    try:
        await asyncio.wait_for(receive(), PATIENCE)
    except asyncio.TimeoutError:
        seen["wentOn"] = True
    await asyncio.wait_for(socket.close(), 2 * PATIENCE)
    await socket.wait_closed()
    seen["code"] = socket.close_code
    return seen


async def main():
    _, base, *cases = sys.argv
    print(json.dumps(await asyncio.gather(*(run_case(base, query) for query in cases))))


asyncio.run(main())
