// The page of FAB_API_SWAGGER_UI: Swagger UI over the API's description, which is in the page.
const place = document.getElementById("swagger-ui");

window.SwaggerUIBundle({
  spec: JSON.parse(place.dataset.document),
  domNode: place,
  presets: [window.SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
});
