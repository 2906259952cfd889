// A proxy that passes everything on and flips one bit in the middle of every evidence bundle: what a lying node, or
// somebody on the way, would do.
import { createServer } from "node:http";

export async function flipping(origin) {
  const server = createServer(async (request, response) => {
    try {
      const answer = await fetch(origin + request.url, { headers: { accept: request.headers.accept ?? "*/*" } });
      const body = Buffer.from(await answer.arrayBuffer());
      if (request.url.startsWith("/v1/evidence/") && answer.ok) body[Math.floor(body.length / 2)] ^= 1;
      const kept = ["content-type", "content-security-policy"];
      const headers = Object.fromEntries(kept.filter((name) => answer.headers.has(name)).map((name) => [name, answer.headers.get(name)]));
      response.writeHead(answer.status, headers).end(body);
    } catch (error) {
      response.writeHead(502).end(String(error));
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { origin: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}
