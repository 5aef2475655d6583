// What the server behind a served page gives.

const SILENT = "The server does not answer. Start it again with attnmetrics serve.";
const BROKEN = "The server failed; its terminal says how.";

/** The answer to a path; what is wrong as an error with the server's words. */
export async function ask(path, signal) {
  const answer = await fetch(path, { signal }).catch((error) => {
    throw error.name === "AbortError" ? error : new Error(SILENT);
  });
  if (answer.ok) return answer;
  const { error } = await answer.json().catch(() => ({ error: BROKEN }));
  throw new Error(error);
}

/** The same as JSON. */
export async function askJson(path, signal) {
  const answer = await ask(path, signal);
  return answer.json().catch(() => { throw new Error(BROKEN); });
}
