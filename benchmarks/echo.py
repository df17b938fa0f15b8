"""What bench_hello.py is compared with: starlette and uvicorn alone, answering the same request in one process.

``python echo.py FOLDER PORT``; the packages are those of the folder, which are the ones that our own server has.
"""

import json
import sys

sys.path.insert(0, sys.argv[1])

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


async def predict(request: Request) -> Response:
    """Read the input, and answer with the output."""
    name = json.loads(await request.body())["input"]["name"]
    answer = {"status": "succeeded", "output": f"hello {name}"}
    return Response(json.dumps(answer), media_type="application/json")


if __name__ == "__main__":
    app = Starlette(routes=[Route("/predictions", predict, methods=["POST"])])
    uvicorn.run(app, port=int(sys.argv[2]), log_level="error", access_log=False, server_header=False)
