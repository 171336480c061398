// Colours for examples: the language as highlight.js 10, which mdBook brings along, describes languages.
(function () {
  "use strict";

  function ordain(hljs) {
    return {
      name: "Ordain",
      keywords: {
        $pattern: /[A-Za-z][A-Za-z0-9_-]*(?:\.[A-Za-z][A-Za-z0-9_-]*)*/,
        keyword:
          "package use as fact let rule limit meter template apply require coverage allow between for test private " +
          "type rolling enforce scope active when priority per depends on overrides because status source warn at " +
          "most least given uses used expect by from until except " +
          "and or not in like matches contains starts ends with has any all",
        literal:
          "true false system safety ethical temporal block reject queue degrade alert audit disabled retired manual " +
          "learned mon tue wed thu fri sat sun",
        built_in:
          "bool int decimal money duration string enum set of optional opaque count percent condition zone time " +
          "instant global tenant project agent provider",
      },
      contains: [
        hljs.COMMENT("//", "$"),
        { className: "string", begin: '"', end: '"', illegal: "\\n", contains: [{ begin: "\\\\." }] },
        // Dates and instants, times of day; then money, percentages, durations and plain numbers.
        { className: "number", begin: /\b\d{4}-\d{2}-\d{2}(?:T[0-9:.]+(?:Z|[+-]\d{2}:\d{2})?)?/ },
        { className: "number", begin: /\b\d{1,2}:\d{2}\b/ },
        {
          className: "number",
          begin: /\b\d[\d_]*(?:\.\d[\d_]*)?(?: [A-Z]{3}\b|%|(?:ms|[smhdw])(?:\d+(?:ms|[smhdw]))*\b)?/,
        },
        // What an item declares.
        {
          beginKeywords: "fact let rule limit meter template",
          end: /(?=[:={(,\n])/,
          contains: [{ className: "title", begin: /[A-Za-z][A-Za-z0-9_.-]*/ }],
        },
      ],
    };
  }

  if (typeof module === "object" && module.exports) {
    module.exports = ordain;
    return;
  }
  if (typeof hljs === "undefined") return;
  hljs.registerLanguage("ordain", ordain);
  // The page's own script went over the blocks before it knew the language.
  document.querySelectorAll("code.language-ordain").forEach(function (block) {
    hljs.highlightBlock(block);
  });
})();
