// Swagger UI, with the plugin of plugin.js.

const dark = matchMedia("(prefers-color-scheme: dark)");
dark.onchange = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.onchange();

const ui = SwaggerUIBundle({
  url: "/api/openapi.json",
  dom_id: "#page",
  deepLinking: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  syntaxHighlight: { theme: "nord" },
  validatorUrl: null,
  plugins: [compact],
  // whoever logs in on this page, or refreshes the token, is authorized on it
  responseInterceptor: (response) => {
    const access = response.ok && /\/api\/auth\/(login|token\/refresh)\/$/.test(response.url) && response.body?.access;
    if (access) ui.preauthorizeApiKey("jwtAuth", access);
    return response;
  },
});
