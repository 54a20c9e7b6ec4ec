// Reads request bodies as servers in JavaScript do. Each line of the input is
// {"type", "body"}: a media type, and bytes in base64. Each line of the output
// says what was read: {"read": false}, or the models that were found.
import { createInterface } from 'node:readline';

const found = (value) => (value === undefined ? null : { type: typeof value, text: String(value) });

// Every place in which a request may name a model.
function models(body) {
  if (body === null || typeof body !== 'object' || Array.isArray(body)) return null;
  const inner = Array.isArray(body.requests) ? body.requests : [];
  return [found(body.model), ...[...inner, body.generateContentRequest, body.generate_content_request]
    .filter((one) => one !== null && typeof one === 'object').map((one) => found(one.model))];
}

function json(bytes) {
  const strict = models(JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)));
  const lenient = models(JSON.parse(bytes.toString('utf8')));
  return { read: true, strict, lenient };
}

async function form(type, bytes) {
  const data = await new Response(bytes, { headers: { 'content-type': type } }).formData();
  return { read: true, names: [...data.keys()], strict: data.getAll('model').map(found) };
}

for await (const line of createInterface({ input: process.stdin })) {
  const { type, body } = JSON.parse(line);
  const bytes = Buffer.from(body, 'base64');
  let answer = { read: false };
  try {
    answer = type === 'application/json' ? json(bytes) : await form(type, bytes);
  } catch (problem) {
    answer.problem = String(problem);
  }
  process.stdout.write(JSON.stringify(answer) + '\n');
}
