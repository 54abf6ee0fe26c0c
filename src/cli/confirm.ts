// Asks yes or no on the terminal, on stderr, so that stdout stays clean.

/** True for yes; no for Ctrl-C. */
export async function confirm(question: string): Promise<boolean> {
  const prompts = await import('@clack/prompts');
  const answer = await prompts.confirm({
    message: question,
    initialValue: false,
    output: process.stderr,
  });
  return answer === true;
}
