const ui = SwaggerUIBundle({
  url: "/api/openapi.json",
  dom_id: "#page",
  deepLinking: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
  // whoever logs in on this page is authorized on it
  responseInterceptor: (response) => {
    if (response.ok && response.url.endsWith("/api/auth/login/") && response.body?.access) {
      ui.preauthorizeApiKey("jwtAuth", response.body.access);
    }
    return response;
  },
});
