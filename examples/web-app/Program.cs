using OrleansPolicy.WebApp;

await PaymentsApi.Create(args).RunAsync();
