using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using OrleansPolicy.Client;
using OrleansPolicy.Client.AspNetCore;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Puts a policy node into an application.</summary>
public static class PolicyNodeServices
{
    /// <summary>
    /// Adds <see cref="IPolicyNode"/>, started and stopped with the host, and what authorization and endpoint filters need to ask it.
    /// </summary>
    /// <param name="services">The application's services.</param>
    /// <param name="configure">Sets what the section <c>PolicyNode</c> of the configuration does not, or overrides it.</param>
    public static IServiceCollection AddPolicyNode(this IServiceCollection services, Action<PolicyNodeSettings>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        var options = services.AddOptions<PolicyNodeSettings>().BindConfiguration(PolicyNodeSettings.Section).ValidateOnStart();
        if (configure is not null)
        {
            options.Configure(configure);
        }

        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<PolicyNodeSettings>, PolicyNodeSettingsValidator>());
        if (services.Any(service => service.ServiceType == typeof(HostedPolicyNode)))
        {
            return services;
        }

        services.AddSingleton<HostedPolicyNode>();
        services.AddSingleton<IPolicyNode>(provider => provider.GetRequiredService<HostedPolicyNode>());
        services.AddHostedService(provider => provider.GetRequiredService<HostedPolicyNode>());
        services.AddSingleton<PolicyGate>();
        AddAuthorization(services);
        AnswerDenials(services);
        return services;
    }

    // Not the framework's AddAuthorization: that adds a cache by endpoint too, which a host without a web server cannot make. Without
    // these a web application that says nothing of authorization would not run it, and would answer what demands a decision.
    private static void AddAuthorization(IServiceCollection services)
    {
        services.AddAuthorizationCore();
        services.AddAuthorizationPolicyEvaluator();
        services.AddSingleton<IAuthorizationHandler, PolicyDecisionHandler>();
        services.AddSingleton<MatcherPolicy, DecisionGuard>();
    }

    // An application's own handler of results stays: it finds the decision among the reasons of the failure.
    private static void AnswerDenials(IServiceCollection services)
    {
        var known = services.LastOrDefault(service => service.ServiceType == typeof(IAuthorizationMiddlewareResultHandler));
        if (known is null || known.ImplementationType == typeof(AuthorizationMiddlewareResultHandler))
        {
            services.AddSingleton<IAuthorizationMiddlewareResultHandler, DenialAnswers>();
        }
    }
}
