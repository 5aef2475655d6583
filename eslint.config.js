// What the pages' JavaScript is held to, as Ruff and import-linter hold its Python.

import globals from "globals";

const STATIC = "attnmetrics/views/static";

/** Files that may not import what lies above them. */
const below = (files, above) => ({
  files: [files],
  rules: {
    "no-restricted-imports": ["error", { patterns: [{ regex: above, message: "Imports point one way: down." }] }],
  },
});

export default [
  {
    files: [`${STATIC}/**/*.js`, "tests/views/javascript/*.js", "eslint.config.js"],
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "max-lines-per-function": ["error", { max: 60 }],
      "max-len": ["error", { code: 120 }],
      "max-lines": ["error", { max: 250 }],
      "max-depth": ["error", 3],
      "max-params": ["error", 5],
      "max-nested-callbacks": ["error", 3],
      complexity: ["error", 10],
      eqeqeq: "error",
      "no-undef": "error",
      "no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "no-use-before-define": ["error", { functions: false, classes: false, variables: false }],
      "no-nested-ternary": "error",
      "no-shadow": "error",
      "no-var": "error",
      "prefer-const": "error",
    },
  },
  { files: [`${STATIC}/**/*.js`], languageOptions: { globals: globals.browser } },
  { files: ["tests/views/javascript/*.js"], languageOptions: { globals: globals.node } },
  // Arithmetic knows no page: what a browser has and the language has not is undefined there, but for addresses.
  {
    files: [`${STATIC}/arithmetic/*.js`],
    languageOptions: { globals: { ...mapValues(globals.browser, "off"), URLSearchParams: "readonly" } },
  },
  below(`${STATIC}/arithmetic/*.js`, "^\\.\\./"),
  below(`${STATIC}/shared/*.js`, "^\\.\\./(?!arithmetic/)"),
  below(`${STATIC}/views/*.js`, "^\\.\\./(?!arithmetic/|shared/)"),
];

function mapValues(object, value) {
  return Object.fromEntries(Object.keys(object).map((key) => [key, value]));
}
