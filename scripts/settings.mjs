// Finds probable mistakes in .dev.vars and wrangler.toml that the Worker cannot notice. The Worker never gets a line that
// wrangler does not understand, and it cannot tell whether a secret came from [vars].

/**
 * Returns a line for each mistake.
 *
 * @param {object} files
 * @param {string} [files.devVars] the text of .dev.vars
 * @param {Record<string, unknown>} [files.vars] the `[vars]` of wrangler.toml
 */
export function mistakes({ devVars = "", vars = {} }) {
  // Values in quotes may have several lines.
  const lines = devVars.replace(/=\s*(["'`])[^]*?\1/g, (value) => `=${value.replace(/[^\n]/g, "")}`).split("\n");
  const unread = [...lines.entries()].filter(([, line]) => !/^\s*(#.*|(export\s+)?[\w.-]+\s*=.*)?$/.test(line) && line.trim() !== "");
  const secrets = Object.keys(vars).filter((name) => /_(SECRET|TOKEN)(_OLD)?$/.test(name) && vars[name] !== "");
  return [
    ...unread.map(([index]) => `.dev.vars, line ${index + 1}, is not NAME="value" and is ignored`),
    ...secrets.map((name) => `${name} is in [vars] of wrangler.toml, where everyone who sees the file can read it: remove it, and set it in .dev.vars for npm start, by npx wrangler secret put ${name} for a deployment`),
  ];
}
