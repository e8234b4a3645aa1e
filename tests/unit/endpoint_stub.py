"""A server for test_endpoint.c and tests/endpoint.sh: one toy model whose numbers are arithmetic, spoken in four dialects, and all the ways to break.

Prints its port, then serves until stdin ends.  The first part of the path says how it behaves:
  /llama /vllm /openai /ollama    a dialect; /other-vllm: the same with other token ids; /two-openai: two models; /fragile-vllm: once, 500
  /bare: openai without numbers   /echoless: openai that refuses echo   /python, /shifted: llama-cpp-python, the latter's echo is wrong
  /slow /cut /garbage /deep /empty /500 /401 /redirect /limit /patience /later /leak /nothing   ways to break (see fail())
A token is a byte and its id the byte's value (1: begin, 2: end).  At position i of the answer to a prompt the model "big" finds
the answer's byte most probable (.6), "small" finds it 2nd at i % 5 == 2, 3rd at i % 5 == 4, 8th at i == 6, 1st elsewhere.
"""
import hashlib
import http.server
import json
import math
import sys
import threading
import time
import urllib.parse

BEGIN, END = 1, 2
counts = {}


def answer_to(prompt):
    words = prompt.strip("\n").split("\n")[-1]
    return ("ok: " + words[::-1][:8] + ".").encode()


def distribution(model, ids, shift):
    """All tokens by probability, [(id, p)], behind these ids: .6, .2, .1, then shares of the rest."""
    ids = [i - shift for i in ids]
    at = len(ids) - 1 - ids[::-1].index(10) if 10 in ids else -1        # the answer begins behind the last newline
    prompt = bytes(i for i in ids[: at + 1] if i > 2).decode("utf-8", "replace").replace("<user>", "").replace("</user>", "")
    position = len(ids) - at - 1
    text = answer_to(prompt)
    right = text[position] if position < len(text) else END
    others = [b for b in b"xyzXYZ#%" if b != right]
    place = 0 if model != "small" else 7 if position == 6 else {2: 1, 4: 2}.get(position % 5, 0)
    order = others[:place] + [right] + others[place:]
    rest = [b for b in [END] + list(range(32, 127)) if b not in order]
    p = [0.6, 0.2, 0.1]
    tail = len(order) + len(rest) - 3
    p += [0.1 * 2 * (tail - k) / (tail * (tail + 1)) for k in range(tail)]
    return [(t + shift, q) for t, q in zip(order + rest, p)]


def choose(model, ids, shift, temperature, seed):
    table = distribution(model, ids, shift)
    if temperature <= 0:
        return table[0], table
    u = int(hashlib.sha256(f"{seed}/{len(ids)}".encode()).hexdigest()[:8], 16) / 2**32
    for t, q in table:
        u -= q
        if u < 0:
            return (t, q), table
    return table[-1], table


def write(model, ids, shift, body):
    """Tokens behind the ids: [(id, p, table)]; the end is one of them."""
    most = body.get("max_tokens", body.get("max_completion_tokens", body.get("n_predict", body.get("num_predict", 16))))
    ids, out = list(ids), []
    while len(out) < most:
        (t, q), table = choose(model, ids, shift, body.get("temperature", 1), body.get("seed", 0))
        out.append((t, q, table))
        ids.append(t)
        if t - shift == END:
            break
    return out


def piece(t, shift=0):
    t -= shift
    return "" if t in (BEGIN, END) else bytes([t]).decode("latin-1")


def text_of(tokens, shift=0):
    return bytes(t - shift for t in tokens if t - shift not in (BEGIN, END)).decode("utf-8", "replace")


def cut(text, special, shift):
    return [t + shift for t in ([BEGIN] if special else []) + list(text.encode())]


def layout(messages):
    return "".join(f"<{m['role']}>{m['content']}</{m['role']}>" for m in messages) + "\n"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def reply(self, value, code=200, headers=(), raw=None, claim=None):
        data = raw if raw is not None else json.dumps(value).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data) if claim is None else claim))
        for k, v in headers:
            self.send_header(k, v)
        self.end_headers()
        self.wfile.write(data)
        if claim is not None:
            self.close_connection = True

    def do_GET(self):
        self.serve(None)

    def do_POST(self):
        n = int(self.headers.get("Content-Length", 0))
        self.serve(json.loads(self.rfile.read(n)))

    def serve(self, body):
        parts = urllib.parse.urlsplit(self.path).path.strip("/").split("/")
        kind, path = parts[0], "/" + "/".join(parts[1:])
        with threading.Lock():
            counts[kind] = counts.get(kind, 0) + 1
        if kind == "count":
            return self.reply({"asked": counts.get(parts[1], 0), "key": self.headers.get("Authorization")})
        if path == "/v1/models" and kind not in ("401", "nothing"):
            return self.models(kind)
        if kind.startswith("fragile") and counts[kind] == 8:            # once, in the middle
            return self.reply({"error": {"message": "it fell over"}}, 500)
        if self.fail(kind, body):
            return None
        dialect = kind.split("-")[-1]
        route = getattr(self, {"llama": "llama", "vllm": "vllm", "ollama": "ollama"}.get(dialect, "openai"))
        return route(kind, path, body, 1000 if kind.startswith("other") else 0)

    def models(self, kind):
        dialect = kind.split("-")[-1]
        owner = {"llama": "llamacpp", "vllm": "vllm", "ollama": "library", "python": "me", "shifted": "me"}.get(dialect, "openai")
        names = ["big", "small"] if kind.startswith("two") else ["big"]
        data = [{"id": n, "object": "model", "owned_by": owner} for n in names]
        if dialect == "llama":
            data[0]["meta"] = {"n_vocab": 259}
        self.reply({"object": "list", "data": data})

    def fail(self, kind, body):
        """The ways to break; True: it did."""
        fine = json.dumps({"choices": [{"text": "whole", "finish_reason": "stop"}], "usage": {"completion_tokens": 2}})
        if kind == "slow":
            time.sleep(3)
            self.reply(None, raw=fine.encode())
        elif kind == "cut":
            self.reply(None, raw=fine.encode()[:40], claim=len(fine))
        elif kind == "garbage":
            self.reply(None, raw=b'{"choices": [{"text": "half')
        elif kind == "deep":
            self.reply(None, raw=b"[" * 100000)
        elif kind == "empty":
            self.reply({"choices": []})
        elif kind == "500":
            self.reply({"error": {"message": "the model\nfell over", "code": 500}}, 500)
        elif kind == "401":
            self.reply({"error": {"message": "no such key: " + str(self.headers.get("Authorization"))}}, 401)
        elif kind == "redirect":
            self.reply({}, 302, [("Location", "http://127.0.0.1:9/elsewhere")])
        elif kind == "limit":                                        # comes back twice, then answers
            if counts[kind] % 4 != 0:
                self.reply({"error": {"message": "slowly"}}, 429 if counts[kind] % 4 == 2 else 503, [("Retry-After", "1")] if counts[kind] % 4 == 2 else [])
            else:
                self.reply(None, raw=fine.encode())
        elif kind == "patience":                                     # never answers
            self.reply({"error": {"message": "slowly"}}, 429)
        elif kind == "later":
            self.reply({"error": {"message": "tomorrow"}}, 429, [("Retry-After", "86400")])
        elif kind == "leak":
            self.reply({"error": {"message": "bad key " + str(self.headers.get("Authorization"))}}, 403)
        elif kind == "nothing":
            self.reply({"error": "no such page"}, 404)
        elif kind == "numbers":
            self.reply({"choices": [{"text": "a", "finish_reason": "stop", "logprobs": {"tokens": ["a"], "token_logprobs": [0.7], "top_logprobs": [None]}}]})
        else:
            return False
        return True

    def llama(self, kind, path, body, shift):
        if path == "/tokenize":
            return self.reply({"tokens": cut(body["content"], body.get("add_special", False), shift)})
        if path == "/apply-template":
            return self.reply({"prompt": layout(body["messages"])})
        if path != "/completion":
            return self.reply({"error": {"code": 404, "message": "File Not Found"}}, 404)
        out = write(body.get("model", "big"), body["prompt"], shift, body)
        n = body.get("n_probs", 0)

        def item(t, q):
            return {"id": t, "token": piece(t, shift), "bytes": list(piece(t, shift).encode("latin-1")), "logprob": math.log(q)}

        ended = out[-1][0] - shift == END
        answer = {"content": text_of([t for t, _, _ in out], shift), "stop": True, "stop_type": "eos" if ended else "limit",
                  "tokens_predicted": len(out), "tokens_evaluated": len(body["prompt"]), "truncated": False}
        if n:
            answer["completion_probabilities"] = [dict(item(t, q), top_logprobs=[item(*c) for c in table[:n]]) for t, q, table in out]
        return self.reply(answer)

    def vllm(self, kind, path, body, shift):
        if path == "/tokenize":
            text = layout(body["messages"]) if "messages" in body else body["prompt"]
            ids = cut(text, body.get("add_special_tokens", "messages" not in body), shift)
            return self.reply({"count": len(ids), "max_model_len": 4096, "tokens": ids, "token_strs": None})
        if path != "/v1/completions":
            return self.reply({"detail": "Not Found"}, 404)
        model, ids = body["model"], body["prompt"]
        if body.get("repetition_penalty") != 1 or body.get("top_k") != -1:
            return self.reply({"message": "the model's generation_config.json punishes repetition"}, 400)
        out = write(model, ids, shift, body)

        def called(t):
            return f"token_id:{t}" if body.get("return_tokens_as_token_ids") else piece(t, shift)

        ended = out[-1][0] - shift == END
        choice = {"index": 0, "text": text_of([t for t, _, _ in out], shift), "finish_reason": "stop" if ended else "length", "logprobs": None, "prompt_logprobs": None}
        if "logprobs" in body:
            k = body["logprobs"]
            choice["logprobs"] = {"tokens": [called(t) for t, _, _ in out], "token_logprobs": [math.log(q) for _, q, _ in out],
                                  "top_logprobs": [{called(c): math.log(p) for c, p in table[:k]} for _, _, table in out]}
        if "prompt_logprobs" in body:
            rows = [None]
            for i in range(1, len(ids)):
                table = distribution(model, ids[:i], shift)
                row = {str(t): {"logprob": math.log(q), "rank": r + 1, "decoded_token": piece(t, shift)}
                       for r, (t, q) in enumerate(table) if r < body["prompt_logprobs"] or t == ids[i]}
                row.setdefault(str(ids[i]), {"logprob": -9999.0, "rank": len(table), "decoded_token": piece(ids[i], shift)})
                rows.append(row)
            choice["prompt_logprobs"] = rows
        usage = {"prompt_tokens": len(ids), "completion_tokens": len(out), "total_tokens": len(ids) + len(out)}
        return self.reply({"id": "x", "created": int(time.time()), "model": model, "choices": [choice], "usage": usage})

    def ollama(self, kind, path, body, shift):
        """The end is counted and not listed."""
        if path not in ("/api/generate", "/api/chat"):
            return self.reply({"error": "404 page not found"}, 404)
        chat, o = path == "/api/chat", body["options"]
        if o.get("repeat_penalty") != 1 or body["stream"] is not False or body.get("think") is not False or not chat and body.get("raw") is not True:
            return self.reply({"error": "this would not be greedy, or not the bare prompt"}, 400)
        ids = cut(layout(body["messages"]) if chat else body["prompt"], True, 0)
        out = write(body["model"], ids, 0, o)
        ended = out[-1][0] == END
        shown = out[:-1] if ended else out
        text = text_of([t for t, _, _ in shown])

        def item(t, q):
            return {"token": piece(t), "logprob": math.log(q), "bytes": [t]}

        answer = {"model": body["model"], "created_at": time.ctime(), "done": True, "done_reason": "stop" if ended else "length",
                  "prompt_eval_count": len(ids), "eval_count": len(out)}
        answer.update({"message": {"role": "assistant", "content": text}} if chat else {"response": text})
        if body.get("logprobs"):
            answer["logprobs"] = [dict(item(t, q), top_logprobs=[item(*c) for c in table[:body["top_logprobs"]]]) for t, q, table in shown]
        return self.reply(answer)

    def openai(self, kind, path, body, shift):
        """The end is neither listed nor counted."""
        model, chat = body["model"], path == "/v1/chat/completions"
        if kind in ("python", "shifted") and body.get("repeat_penalty") != 1 or kind == "openai" and "repeat_penalty" in body:
            return self.reply({"error": {"message": "this would not be greedy, or is not known to OpenAI"}}, 400)
        if not chat and path != "/v1/completions":
            return self.reply({"error": {"message": "Not Found"}}, 404)
        prompt = layout(body["messages"]) if chat else body["prompt"]
        if not chat and not isinstance(prompt, str):
            return self.reply({"error": {"message": "prompt is no text"}}, 400)
        ids = cut(prompt, True, 0)
        out = write(model, ids, 0, body)
        ended = out[-1][0] == END
        shown = out[:-1] if ended else out
        usage = {"prompt_tokens": len(ids), "completion_tokens": len(shown), "total_tokens": 0}
        text = text_of([t for t, _, _ in shown])
        choice = {"index": 0, "finish_reason": "stop" if ended else "length", "logprobs": None}
        if chat:
            choice["message"] = {"role": "assistant", "content": text}
            if body.get("logprobs"):
                def item(t, q):
                    return {"token": piece(t), "logprob": math.log(q), "bytes": [t]}
                choice["logprobs"] = {"content": [dict(item(t, q), top_logprobs=[item(*c) for c in table[:body["top_logprobs"]]]) for t, q, table in shown]}
        else:
            choice["text"] = text
            echo = bool(body.get("echo"))
            if echo and kind == "echoless":
                return self.reply({"error": {"message": "Setting 'echo' and 'logprobs' at the same time is not supported"}}, 400)
            if body.get("logprobs") and kind != "bare":
                k, head = body["logprobs"], []
                for i in range(1, len(ids)) if echo else []:
                    table = distribution(model, ids[:i], 0)
                    head.append((ids[i], dict(table).get(ids[i], 1e-9), table))
                rows = head + shown
                choice["text"] = (prompt if echo else "") + text
                choice["logprobs"] = {"tokens": [piece(t) for t, _, _ in rows], "token_logprobs": [math.log(q) for _, q, _ in rows],
                                      "top_logprobs": [{piece(c) or "<end>": math.log(p) for c, p in table[:k]} for _, _, table in rows]}
                if kind == "shifted" and echo:            # each token with the numbers of the next one's place
                    top = choice["logprobs"]["top_logprobs"]
                    choice["logprobs"]["top_logprobs"] = top[1:] + top[:1]
                if echo:
                    choice["logprobs"]["token_logprobs"][0] = None
        return self.reply({"id": "x", "created": int(time.time()), "choices": [choice], "usage": usage})


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass                                                            # clients that gave up


server = Server(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
sys.stdin.read()
