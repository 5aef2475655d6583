// What the server behind a served page gives.

const SILENT = "The server does not answer. Start it again with attnmetrics serve.";
const BROKEN = "The server failed; its terminal says how.";

/** The answer to a path as JSON; what is wrong as an error with the server's words. */
export async function ask(path, signal) {
  const answer = await fetch(path, { signal }).catch((error) => {
    throw error.name === "AbortError" ? error : new Error(SILENT);
  });
  const content = await answer.json().catch(() => ({ error: BROKEN }));
  if (!answer.ok) throw new Error(content.error);
  return content;
}
