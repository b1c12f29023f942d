const ui = SwaggerUIBundle({
  url: "/api/openapi.json",
  dom_id: "#page",
  deepLinking: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
  // whoever logs in on this page, or refreshes the token, is authorized on it
  responseInterceptor: (response) => {
    if (response.ok && /\/api\/auth\/(login|token\/refresh)\/$/.test(response.url) && response.body?.access) {
      ui.preauthorizeApiKey("jwtAuth", response.body.access);
    }
    return response;
  },
});
