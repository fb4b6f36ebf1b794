using System.Collections.Concurrent;

namespace OrleansPolicy.WebApp;

/// <summary>What somebody wants to pay.</summary>
/// <param name="Value">How much.</param>
/// <param name="Currency">In which currency.</param>
/// <param name="To">To whom.</param>
public sealed record NewPayment(decimal Value, string Currency, string To);

/// <summary>A payment that was made. A parameter of this type is the one that the route's <c>id</c> names.</summary>
public sealed record Payment(int Id, string Owner, decimal Value, string Currency, string To, bool Refunded)
{
    /// <summary>Finds it; 404 where there is none, before anything is decided about it.</summary>
    public static ValueTask<Payment> BindAsync(HttpContext http)
    {
        var book = http.RequestServices.GetRequiredService<PaymentBook>();
        return book.Find(int.Parse((string)http.Request.RouteValues["id"]!, System.Globalization.CultureInfo.InvariantCulture)) is { } found
            ? ValueTask.FromResult(found)
            : throw new BadHttpRequestException("There is no such payment.", StatusCodes.Status404NotFound);
    }
}

/// <summary>The payments of this process: a database would do more.</summary>
public sealed class PaymentBook
{
    private readonly ConcurrentDictionary<int, Payment> _payments = new();
    private int _last;

    /// <summary>Writes one down.</summary>
    public Payment Add(string owner, NewPayment payment)
    {
        ArgumentNullException.ThrowIfNull(payment);
        var made = new Payment(Interlocked.Increment(ref _last), owner, payment.Value, payment.Currency, payment.To, Refunded: false);
        return _payments[made.Id] = made;
    }

    /// <summary>One of them; null: there is none.</summary>
    public Payment? Find(int id) => _payments.GetValueOrDefault(id);

    /// <summary>Takes one back.</summary>
    public Payment Refund(Payment payment)
    {
        ArgumentNullException.ThrowIfNull(payment);
        return _payments[payment.Id] = payment with { Refunded = true };
    }

    /// <summary>What was paid, by currency.</summary>
    public IReadOnlyDictionary<string, decimal> Totals() => _payments.Values
        .Where(payment => !payment.Refunded)
        .GroupBy(payment => payment.Currency, StringComparer.Ordinal)
        .ToDictionary(group => group.Key, group => group.Sum(payment => payment.Value), StringComparer.Ordinal);
}
